package crash

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// received is what callers got from the servers, of all that ever ran on an installation.
type received struct {
	mu     sync.Mutex
	hashes map[string]string // by jti of a token: the hash of its claims
	uses   map[string]*use   // by jti of an external token of single use
	latest struct {          // what of them came since the last check
		hashes map[string]string
		uses   []*use
	}
	broken []string // what no caller may see
}

// A use is that of an external token of single use.
type use struct {
	token, retryKey string // retryKey is "" for a caller who does not retry
	made            time.Time
	brought         map[string]bool // jti of what came back: never more than one
}

func newReceived() *received {
	r := &received{hashes: map[string]string{}, uses: map[string]*use{}}
	r.next()
	return r
}

// take keeps a token that somebody received, for an external token of single use where it was for one.
func (r *received) take(token string, of *use) {
	parts := strings.Split(token, ".")
	claims, err := base64.RawURLEncoding.DecodeString(parts[min(1, len(parts)-1)])
	var named struct {
		ID string `json:"jti"`
	}
	if err == nil {
		err = json.Unmarshal(claims, &named)
	}
	sum := sha256.Sum256(claims)
	hash := hex.EncodeToString(sum[:])
	r.mu.Lock()
	defer r.mu.Unlock()
	if of != nil {
		of.brought[named.ID] = true
	}
	before, known := r.hashes[named.ID]
	switch {
	case err != nil:
		r.broken = append(r.broken, fmt.Sprintf("%v: %q", err, token))
	case known && (of == nil || of.retryKey == "" || before != hash):
		r.broken = append(r.broken, "the token "+named.ID+" was given twice")
	case of != nil && len(of.brought) > 1:
		r.broken = append(r.broken, fmt.Sprintf("a token of single use brought %v", of.brought))
	}
	r.hashes[named.ID], r.latest.hashes[named.ID] = hash, hash
}

// count returns how many tokens were received.
func (r *received) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.hashes)
}

// next returns what came since it was last called.
func (r *received) next() (hashes map[string]string, uses []*use, broken []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	hashes, uses, broken = r.latest.hashes, r.latest.uses, r.broken
	r.latest.hashes, r.latest.uses, r.broken = map[string]string{}, nil, nil
	return hashes, uses, broken
}

// use makes a token of single use, which is remembered whatever comes of it.
func (r *received) use(from *issuer, retry bool) (*use, error) {
	id, key := rand.Text(), ""
	if retry {
		key = rand.Text() + rand.Text()
	}
	token, err := from.token("once:job", id)
	if err != nil {
		return nil, err
	}
	u := &use{token: token, retryKey: key, made: time.Now(), brought: map[string]bool{}}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.uses[id], r.latest.uses = u, append(r.latest.uses, u)
	return u, nil
}

// A caller exchanges tokens at one server until that is gone.
type caller struct {
	to     string // the token endpoint
	bearer string
	issuer *issuer
	got    *received
	client *http.Client
	chance *mathrand.Rand
}

func newCaller(i *installation, from *issuer, got *received, seed uint64) *caller {
	return &caller{
		to: i.url + "/w/" + workspace + "/token", bearer: i.bearer, issuer: from, got: got,
		client: &http.Client{Transport: &http.Transport{}, Timeout: time.Minute},
		chance: mathrand.New(mathrand.NewPCG(seed, 0)),
	}
}

// run goes on until the connection breaks, as it does when the server is killed. It returns anything else that went wrong.
func (c *caller) run() error {
	defer c.client.CloseIdleConnections()
	for {
		gone, err := c.exchange()
		if gone || err != nil {
			return err
		}
	}
}

// until goes on until it is told to stop, and tells of each answer that is a token, where somebody listens.
func (c *caller) until(t *testing.T, stop, answered chan struct{}) {
	defer c.client.CloseIdleConnections()
	for {
		before := c.got.count()
		if gone, err := c.exchange(); gone || err != nil {
			t.Errorf("gone %v, %v", gone, err)
			return
		}
		select {
		case <-stop:
			return
		default:
		}
		if c.got.count() == before {
			continue
		}
		select {
		case answered <- struct{}{}:
		case <-stop:
			return
		}
	}
}

// exchange makes one request of those that callers make.
func (c *caller) exchange() (gone bool, err error) {
	switch c.chance.IntN(4) {
	case 0:
		return c.must(c.post(c.bearer, nil, "requested_token_type", idToken, "audience", audience))
	case 1:
		token, err := c.issuer.token("job:build", rand.Text())
		if err != nil {
			return false, err
		}
		return c.must(c.post(token, nil))
	default:
		u, err := c.got.use(c.issuer, c.chance.IntN(2) == 0)
		if err != nil {
			return false, err
		}
		return c.must(c.post(u.token, u))
	}
}

// must says that a server which answers issues, unless it was held up for so long that it does not trust its memory.
func (c *caller) must(status int, answer string) (gone bool, err error) {
	if status != 0 && status != http.StatusOK && status != http.StatusServiceUnavailable {
		err = fmt.Errorf("%d %s", status, answer)
	}
	return status == 0, err
}

// present exchanges a token of single use, and again where the server says that it cannot at present.
func (c *caller) present(token string, of *use) (status int, answer string) {
	for {
		if status, answer = c.post(token, of); status != http.StatusServiceUnavailable {
			return status, answer
		}
	}
}

const idToken = "urn:ietf:params:oauth:token-type:id_token"

// accessToken finds a token even in half an answer: who has it can use it.
var accessToken = regexp.MustCompile(`"access_token":"([^"]+)"`)

// post exchanges a token and keeps what comes back. The status is 0 where the answer did not arrive whole.
func (c *caller) post(token string, of *use, more ...string) (status int, answer string) {
	form := url.Values{
		"grant_type":         {"urn:ietf:params:oauth:grant-type:token-exchange"},
		"subject_token":      {token},
		"subject_token_type": {"urn:ietf:params:oauth:token-type:jwt"},
	}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	request, err := http.NewRequest("POST", c.to, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, err.Error()
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if of != nil && of.retryKey != "" {
		request.Header.Set("Idempotency-Key", of.retryKey)
	}
	response, err := c.client.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if found := accessToken.FindSubmatch(text); found != nil {
		c.got.take(string(found[1]), of)
	}
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(text)
}
