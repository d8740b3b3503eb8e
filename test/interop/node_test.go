package interop

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// A node is a running js/main.mjs.
type node struct {
	process *process
	mu      sync.Mutex // one call at a time
	input   io.WriteCloser
	calls   *json.Encoder
	answers *json.Decoder
}

type nodeOnce struct {
	once sync.Once
	node *node
	err  error
}

// openNode returns the program with the libraries, or skips the test where the machine lacks what that needs.
func (l *lab) openNode(t *testing.T) *node {
	t.Helper()
	requireNode(t)
	l.node.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute) // three small packages, once
		defer cancel()
		l.node.node, l.node.err = l.startNode(ctx)
	})
	if l.node.err != nil {
		t.Fatal(l.node.err)
	}
	return l.node.node
}

func (l *lab) startNode(ctx context.Context) (*node, error) {
	packages, err := installPackages(ctx)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(l.dir, "js")
	if err := layOut(dir, packages); err != nil {
		return nil, err
	}
	n := &node{}
	n.process, err = start("node", []string{filepath.Join(dir, "main.mjs")}, func(cmd *exec.Cmd) error {
		cmd.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+l.secure.caFile)
		output, err := cmd.StdoutPipe()
		if err != nil {
			return err
		}
		n.answers = json.NewDecoder(output)
		n.input, err = cmd.StdinPipe()
		n.calls = json.NewEncoder(n.input)
		return err
	})
	return n, err
}

func (o *nodeOnce) close() {
	if o.node == nil {
		return
	}
	_ = o.node.input.Close() // its loop ends with its input
	o.node.process.stop()
}

// A request is for one function of one library. What the function takes besides is for it to pick.
type request struct {
	Library string `json:"library"`
	Call    string `json:"call"`
	Later   int    `json:"later,omitempty"` // seconds by which the library's clock is ahead

	Issuer         string      `json:"issuer,omitempty"`
	Audience       string      `json:"audience,omitempty"`
	Token          string      `json:"token,omitempty"`
	URL            string      `json:"url,omitempty"`
	Algorithm      string      `json:"algorithm,omitempty"`      // of discovery: oidc or oauth2
	Authentication string      `json:"authentication,omitempty"` // of the client: none, basic or post
	Type           string      `json:"type,omitempty"`           // of the grant
	Parameters     [][2]string `json:"parameters,omitempty"`
}

// A failure is what a library threw, in its own words and in ours.
type failure struct {
	Text    string      `json:"text"`
	Refused string      `json:"refused"` // what in the token was not accepted
	OAuth   *oauthError `json:"oauth"`   // what the server answered
}

// An oauthError is an error that a library recognised as one of OAuth's.
type oauthError struct {
	Status      int    `json:"status"`
	Code        string `json:"error"`
	Description string `json:"error_description"`
	Scheme      string `json:"scheme"` // of the WWW-Authenticate header, where there was one
}

func (f *failure) Error() string { return f.Text }

// call returns the failure as an error.
func (n *node) call(r request, result any) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	var answer struct {
		Result  json.RawMessage `json:"result"`
		Failure *failure        `json:"failure"`
	}
	err := n.calls.Encode(r)
	if err == nil {
		err = n.answers.Decode(&answer)
	}
	switch {
	case err != nil:
		return fmt.Errorf("node has ended: %w\n%s", err, n.process.talk.last())
	case answer.Failure != nil:
		return answer.Failure
	}
	return json.Unmarshal(answer.Result, result)
}
