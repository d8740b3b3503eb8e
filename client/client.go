package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/nsc-federation/nsc/internal/credentials"
	"github.com/nsc-federation/nsc/internal/origin"
)

// Client gets tokens from nsc. It may be used by many goroutines at once, and must not be copied after its first use. Its
// fields are set before that.
type Client struct {
	// Issuer is the workspace that issues, as https://nsc.example.com/w/prod. By default it is the one that NSC_WORKSPACE
	// and NSC_URL name, and where they are not set the one that the sign-in is to. Where it is another than the sign-in's,
	// the sign-in is exchanged for a token of that workspace first.
	Issuer string

	// Source returns an access token of a workspace for itself, to be used in place of a stored sign-in. It is called
	// whenever a token is to be issued.
	Source func(ctx context.Context) (string, error)

	// SignIn returns a new such access token (see Exchange) for the user's own file, where there is none or one that is in
	// the last third of its life. Of all processes that use the file, one at a time calls it, and the others take what it
	// got. A file that holds something else, such as half a sign-in, is replaced too, by everyone who meets it. Files of
	// the platform (NSC_TOKEN_FILE, the workload's) are kept fresh by the platform. Without SignIn a sign-in ends when it
	// ends.
	SignIn func(ctx context.Context) (string, error)

	// HTTPClient reaches the server; the default trusts the system's authorities and those of NSC_CA_FILE. Redirects are
	// never followed: they would carry the sign-in elsewhere.
	HTTPClient *http.Client

	// Log is told of renewals that failed while the old token still serves; the default is nowhere.
	Log *slog.Logger

	once    sync.Once
	http    *http.Client
	httpErr error
	kept    cache
}

// IDToken returns an ID token for an audience: the one that is kept, as long as it is good, and otherwise a new one. A
// sign-in that changes in the meantime shows when the token is renewed.
//
// Errors: [ErrNotSignedIn]; [*RefusedError], such as one with the OAuth code invalid_target where the workspace does not
// let the caller have a token for the audience; the network's.
func (c *Client) IDToken(ctx context.Context, audience string) (Token, error) {
	return c.kept.get(ctx, "audience "+audience, c.log(), c.issue(audience))
}

// issue returns the function that has an ID token issued.
func (c *Client) issue(audience string) fetch {
	return func(ctx context.Context) (Token, error) {
		in, err := c.signedIn(ctx)
		if err != nil {
			return Token{}, err
		}
		return c.issueID(ctx, in, audience)
	}
}

// signedIn returns an access token of the workspace that issues, for that workspace.
func (c *Client) signedIn(ctx context.Context) (credentials.Credential, error) {
	want, err := c.wanted()
	if err != nil {
		return credentials.Credential{}, err
	}
	in, err := c.credential(ctx, want)
	switch {
	case err != nil:
		return in, err
	case want.base != "" && normal(in.Base) != want.base:
		return in, fmt.Errorf("client: the sign-in is from %q, and is not sent to %q", in.Base, want.base)
	case in.Expired(time.Now()):
		return in, fmt.Errorf("%w: the sign-in to %s ended at %s", ErrNotSignedIn, in.Workspace, in.ExpiresAt.Format(time.RFC3339))
	case want.name != "" && want.name != in.Workspace:
		return c.federated(ctx, in, want.name)
	}
	return in, nil
}

// credential returns the sign-in, whatever workspace it is to.
func (c *Client) credential(ctx context.Context, want workspace) (credentials.Credential, error) {
	if c.Source == nil {
		in, err := c.stored(ctx, want.name)
		return in, explained(err)
	}
	text, err := c.Source(ctx)
	if err != nil {
		return credentials.Credential{}, err
	}
	return read(text)
}

// read takes what an access token says of itself. It is the server that verifies.
func read(text string) (credentials.Credential, error) {
	in, err := credentials.Read(credentials.Stored{BearerToken: text})
	if err != nil {
		return in, errors.New("client: no nsc server made what should be an access token")
	}
	return in, nil
}

// federated exchanges a sign-in for an access token of another workspace of the same server, by the two standard calls:
// an ID token for that workspace's issuer, shown there.
func (c *Client) federated(ctx context.Context, in credentials.Credential, name string) (credentials.Credential, error) {
	token, err := c.kept.get(ctx, "workspace "+name+" "+credentials.Digest(in.BearerToken), c.log(), func(ctx context.Context) (Token, error) {
		id, err := c.issueID(ctx, in, in.Base+"/w/"+name)
		if err != nil {
			return Token{}, err
		}
		return c.exchange(ctx, workspace{in.Base, name}, id.secret)
	})
	if err != nil {
		return credentials.Credential{}, err
	}
	return read(token.secret)
}

// workspace is where a request goes: a server by its base URL, and the name of a workspace, which may be empty.
type workspace struct{ base, name string }

// wanted returns what was named by Issuer or by the environment; both parts may be empty.
func (c *Client) wanted() (w workspace, err error) {
	w = workspace{os.Getenv("NSC_URL"), os.Getenv("NSC_WORKSPACE")}
	if c.Issuer != "" {
		var ok bool
		if w.base, w.name, ok = credentials.SplitIssuer(c.Issuer); !ok {
			return w, fmt.Errorf("client: %q is not the issuer of a workspace: https://<host>/w/<name>", c.Issuer)
		}
	}
	if w.name != "" && credentials.CheckName(w.name) != nil {
		return w, fmt.Errorf("client: %q is not the name of a workspace", w.name)
	}
	w.base = normal(w.base)
	return w, nil
}

// normal writes a base URL in the one form in which two of them are compared: scheme and host in lower case, no default
// port, no slash at the end.
func normal(base string) string {
	u, err := url.Parse(strings.TrimRight(base, "/"))
	if err != nil {
		return base
	}
	u.Host = strings.ToLower(u.Host)
	if port := u.Port(); port == "443" && u.Scheme == "https" || port == "80" && u.Scheme == "http" {
		u.Host = strings.TrimSuffix(u.Host, ":"+port)
	}
	return u.String()
}

// endpoint returns the token endpoint of a workspace, or of the server where none is named.
func (w workspace) endpoint() (string, error) {
	u, err := url.Parse(w.base)
	switch {
	case err != nil:
		return "", fmt.Errorf("client: the server's address: %w", err)
	case !origin.Secure(u):
		return "", fmt.Errorf("client: %q is not https: tokens could be read on the way", u.Redacted())
	case w.name == "":
		return w.base + "/token", nil
	}
	return w.base + "/w/" + w.name + "/token", nil
}

var silent = slog.New(slog.DiscardHandler)

func (c *Client) log() *slog.Logger {
	if c.Log == nil {
		return silent
	}
	return c.Log
}
