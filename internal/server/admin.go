package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"syscall"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// adminSession is how long a local administrator's token is valid: a working day.
const adminSession = 12 * time.Hour

const maxAdminBody = 64 << 10

// BootstrapRequest asks for an administrator's credential.
type BootstrapRequest struct {
	Workspace string `json:"workspace"` // "" is system
	Name      string `json:"name"`      // of the administrator, where he is created
}

// BootstrapResult is an administrator's credential.
type BootstrapResult struct {
	BearerToken string    `json:"bearer_token"` // an access token for the issuer
	Workspace   string    `json:"workspace"`
	WorkspaceID string    `json:"workspace_id"`
	Issuer      string    `json:"issuer"`
	ExpiresAt   time.Time `json:"expires_at"`
	Created     bool      `json:"created"` // the administrator, by this call
}

// Bootstrap makes the first administrator of a workspace and signs him in (rule 9), through the administration socket
// of the running server, or on the database where none runs (rule 37).
func Bootstrap(ctx context.Context, c Config, req BootstrapRequest) (BootstrapResult, error) {
	result, err := bootstrapRunning(ctx, c, req)
	if !noServer(err) {
		return result, err
	}
	err = offline(ctx, c, true, func(p *parts) error {
		result, err = p.bootstrap(ctx, req)
		return err
	})
	return result, err
}

// noServer reports whether an error says that nobody listens on the socket.
func noServer(err error) bool {
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED)
}

func (p *parts) bootstrap(ctx context.Context, req BootstrapRequest) (BootstrapResult, error) {
	if req.Workspace == "" {
		req.Workspace = workspace.SystemName
	}
	if req.Name == "" {
		req.Name = "admin"
	}
	admin, err := p.manage.Bootstrap(ctx, req.Workspace, req.Name)
	if err != nil {
		return BootstrapResult{}, err
	}
	answer, err := p.tokens.SignIn(ctx, req.Workspace, admin.User, admin.Grants, adminSession, audit.Origin{})
	if err != nil {
		return BootstrapResult{}, err
	}
	return BootstrapResult{answer.Token.Compact(), answer.Tenant.Name, answer.Tenant.ID, answer.Tenant.Issuer, answer.ExpiresAt, admin.Created}, nil
}

func bootstrapRunning(ctx context.Context, c Config, req BootstrapRequest) (result BootstrapResult, err error) {
	err = callAdmin(ctx, c, "/admin/bootstrap", req, func(answer io.Reader) error {
		return json.NewDecoder(io.LimitReader(answer, maxAdminBody)).Decode(&result)
	})
	return result, err
}

// callAdmin posts a request to the administration socket of the running server and reads its answer.
func callAdmin(ctx context.Context, c Config, path string, req any, read func(io.Reader) error) error {
	body, err := json.Marshal(req)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (conn net.Conn, err error) {
		err = socketPath(c.DataDir, func(path string) error {
			conn, err = (&net.Dialer{}).DialContext(ctx, "unix", path)
			return err
		})
		return conn, err
	}}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://admin"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		var call *url.Error // whose address is none that anybody wrote
		if errors.As(err, &call) {
			err = call.Err
		}
		return fmt.Errorf("administration socket: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusOK {
		return read(response.Body)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAdminBody))
	if err != nil {
		return fmt.Errorf("administration socket: %w", err)
	}
	return errors.New(string(bytes.TrimSpace(text)))
}

// adminHandler serves the administration socket. Whoever reaches it runs as the server's user, or as root.
func (n *node) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /admin/bootstrap", n.adminBootstrap)
	mux.HandleFunc("POST /admin/subject", n.adminSubject)
	handleProfiles(mux)
	return mux
}

func (n *node) adminBootstrap(w http.ResponseWriter, r *http.Request) {
	var req BootstrapRequest
	if !readAdmin(w, r, &req) {
		return
	}
	result, err := n.parts.bootstrap(r.Context(), req)
	if err != nil {
		n.log.Error("the administrator could not be signed in", "error", err)
		f := fault.From(err)
		http.Error(w, f.Text(), f.Status())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(result); err != nil {
		n.log.Warn("an answer could not be sent", "error", err)
	}
}

func readAdmin(w http.ResponseWriter, r *http.Request, req any) bool {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAdminBody)).Decode(req); err != nil {
		http.Error(w, "the request is malformed", http.StatusBadRequest)
		return false
	}
	return true
}

// adminSubject answers lines: the events that are exported, and at the end the result or the error.
func (n *node) adminSubject(w http.ResponseWriter, r *http.Request) {
	var req SubjectRequest
	if !readAdmin(w, r, &req) {
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	lines := json.NewEncoder(w)
	result, err := n.parts.subject(r.Context(), req, func(e audit.Event) error { return lines.Encode(subjectLine{Event: &e}) })
	end := subjectLine{Result: &result}
	if err != nil {
		end = subjectLine{Error: err.Error()}
	}
	if err := lines.Encode(end); err != nil {
		n.log.Warn("an answer could not be sent", "error", err)
	}
}
