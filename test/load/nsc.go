package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// unlimited is a rate that is never met: the limiter works, and refuses nobody.
const unlimited = "1e9"

// nsc is a server under test.
type nsc struct {
	*process
	program, folder, listen string
	database                string // URL; "" is SQLite
	postmaster              int    // process whose family's time counts too; 0 for none
}

// startNSC starts a server on a folder, or on what an earlier one left there.
func startNSC(program, folder, database string, postmaster int) (*nsc, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := listener.Addr().String() // the base URL is for ever, so the port is fixed now
	listener.Close()
	s := &nsc{program: program, folder: folder, listen: address, database: database, postmaster: postmaster}
	return s, errors.Join(os.MkdirAll(folder, 0o700), s.start())
}

func (s *nsc) start() (err error) {
	args := []string{"server", "--data-dir", s.folder, "--listen", s.listen}
	if s.database != "" {
		args = append(args, "--database", s.database)
	}
	env := []string{"NSC_RATE_LIMIT_PER_ADDRESS=" + unlimited, "NSC_RATE_LIMIT_PER_WORKSPACE=" + unlimited}
	s.process, err = start(filepath.Join(s.folder, "log"), env, s.program, args...)
	return err
}

func (s *nsc) cpu() (time.Duration, error) {
	own, err := cpu(s.cmd.Process.Pid)
	if err != nil || s.postmaster == 0 {
		return own, err
	}
	theirs, err := cpuOfFamily(s.postmaster)
	return own + theirs, err
}

// admin speaks to the administration socket.
func (s *nsc) admin(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(s.folder, "admin.sock"))
	}}}
	r, err := http.NewRequestWithContext(ctx, method, "http://admin"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	return do(&client, r)
}

func do(client *http.Client, r *http.Request) ([]byte, error) {
	response, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s: %s", r.Method, r.URL, response.Status, text)
	}
	return text, err
}

// tenant is a workspace and its administrator.
type tenant struct {
	server *nsc
	name   string
	issuer string
	token  string
}

// tenant creates a workspace.
func (s *nsc) tenant(ctx context.Context, name string) (*tenant, error) {
	body, err := json.Marshal(map[string]string{"workspace": name})
	if err != nil {
		return nil, err
	}
	text, err := s.admin(ctx, http.MethodPost, "/admin/bootstrap", body)
	if err != nil {
		return nil, err
	}
	var made struct {
		Token  string `json:"bearer_token"`
		Issuer string `json:"issuer"`
	}
	if err := json.Unmarshal(text, &made); err != nil {
		return nil, err
	}
	return &tenant{s, name, made.Issuer, made.Token}, nil
}

// api calls the management API.
func (t *tenant) api(ctx context.Context, method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, method, t.server.url+"/api/v1/workspaces/"+t.name+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+t.token)
	r.Header.Set("Content-Type", "application/json")
	text, err := do(http.DefaultClient, r)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, out)
}

// service is the relying party that ID tokens are for.
const service = "https://service.example.com"

// trust trusts an issuer for subjects of a pattern, and returns the trust's ID.
func (t *tenant) trust(ctx context.Context, i *issuer, name, subjects, condition string) (string, error) {
	set, err := i.keySet()
	if err != nil {
		return "", err
	}
	var made struct {
		ID string `json:"id"`
	}
	err = t.api(ctx, http.MethodPost, "/trust-relationships", map[string]any{
		"issuer": name, "subject_match": subjects, "condition": condition,
		"grants": []map[string]any{
			{"resource_type": "workspace", "resource_id": "*", "actions": []string{"read"}},
			{"resource_type": "audience", "resource_id": service, "actions": []string{"issue", "introspect"}},
			{"resource_type": "audience", "resource_id": t.issuer, "actions": []string{"introspect"}},
		},
		"key_source": map[string]any{"kind": "jwks", "jwks": set, "not_after": time.Now().Add(30 * 24 * time.Hour).Format(time.RFC3339)},
	}, &made)
	return made.ID, err
}

// issued returns how many tokens the record says were issued. It counts what is not unpacked yet, too.
func (t *tenant) issued(ctx context.Context) (int, error) {
	var count struct {
		Count int `json:"count"`
	}
	err := t.api(ctx, http.MethodGet, "/events/count?kind=token.issued", nil, &count)
	return count.Count, err
}

// profile writes the processor profile of so many seconds to a file.
func (s *nsc) profile(ctx context.Context, seconds int, path string) error {
	text, err := s.admin(ctx, http.MethodGet, "/debug/pprof/profile?seconds="+strconv.Itoa(seconds), nil)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}
