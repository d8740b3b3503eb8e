package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

type server struct {
	trusted    keys
	es256      signer
	rs256      signer
	id         string // as long as an identifier of nsc
	jwks, meta []byte
	journal    *journal
}

func newServer(trusted keys, database string) (*server, error) {
	journal, err := openJournal(database)
	if err != nil {
		return nil, err
	}
	s := &server{trusted: trusted, id: strings.Repeat("a", 26), journal: journal}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	if s.es256, err = newSigner("ES256", ecdsaSign(ec)); err != nil {
		return nil, err
	}
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	if s.rs256, err = newSigner("RS256", rsaSign(rs)); err != nil {
		return nil, err
	}
	// As long as what nsc serves: an ES256 and an RS256 key; the metadata of a workspace.
	s.jwks = []byte(`{"keys":["` + strings.Repeat("k", 700) + `"]}`)
	s.meta = []byte(`{"issuer":"` + strings.Repeat("m", 1400) + `"}`)
	return s, nil
}

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /exchange", func(w http.ResponseWriter, r *http.Request) { s.exchange(w, r, s.es256, nil) })
	mux.HandleFunc("POST /exchange/durable", func(w http.ResponseWriter, r *http.Request) { s.exchange(w, r, s.es256, s.journal) })
	mux.HandleFunc("POST /exchange/rs256", func(w http.ResponseWriter, r *http.Request) { s.exchange(w, r, s.rs256, nil) })
	mux.HandleFunc("POST /exchange/durable/rs256", func(w http.ResponseWriter, r *http.Request) { s.exchange(w, r, s.rs256, s.journal) })
	mux.HandleFunc("POST /introspect", s.introspect)
	mux.HandleFunc("POST /form", s.form)
	mux.HandleFunc("GET /jwks", func(w http.ResponseWriter, _ *http.Request) { answer(w, s.jwks) })
	mux.HandleFunc("GET /discovery", func(w http.ResponseWriter, _ *http.Request) { answer(w, s.meta) })
	return mux
}

func answer(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // the client went away
}

func answerJSON(w http.ResponseWriter, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, body)
}

type detail struct {
	Type       string   `json:"type"`
	Identifier string   `json:"identifier"`
	Actions    []string `json:"actions"`
}

type trust struct {
	ID      string `json:"id"`
	Version int64  `json:"version"`
}

// issued is the payload of an access token of nsc.
type issued struct {
	claims
	WorkspaceID string   `json:"workspace_id"`
	Workspace   string   `json:"workspace"`
	RootIssued  int64    `json:"root_iat"`
	Depth       int      `json:"depth"`
	ClientID    string   `json:"client_id"`
	Details     []detail `json:"authorization_details"`
	Trusts      []trust  `json:"trusts"`
}

// tokenAnswer is RFC 8693 §2.2.1 as nsc answers it.
type tokenAnswer struct {
	AccessToken string   `json:"access_token"`
	Issued      string   `json:"issued_token_type"`
	Type        string   `json:"token_type"`
	ExpiresIn   int64    `json:"expires_in"`
	Details     []detail `json:"authorization_details"`
	Workspace   string   `json:"workspace"`
	WorkspaceID string   `json:"workspace_id"`
}

// exchange verifies the subject token and issues another for its subject, whose payload is in the journal before, if there
// is one.
func (s *server) exchange(w http.ResponseWriter, r *http.Request, signer signer, journal *journal) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	caller, err := s.trusted.verify(r.PostForm.Get("subject_token"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	now := time.Now().Unix()
	subject := "workspace/" + s.id + "/external/" + s.id + "/" + caller.Subject
	details := []detail{{"workspace", "*", []string{"read"}}, {"audience", "https://service.example.com", []string{"issue", "introspect"}}}
	payload, err := json.Marshal(issued{
		claims{"http://127.0.0.1:8740/w/load", subject, "http://127.0.0.1:8740/w/load", s.id, now + 900, now, now - 30},
		s.id, "load", now, 0, subject, details, []trust{{s.id, 1}},
	})
	if err == nil && journal != nil {
		err = journal.append(payload)
	}
	var token string
	if err == nil {
		token, err = signer.token(payload)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	answerJSON(w, tokenAnswer{
		token, "urn:ietf:params:oauth:token-type:access_token", "Bearer", 900, details, "load", s.id,
	})
}

// introspect verifies the token and answers its claims (RFC 7662).
func (s *server) introspect(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c, err := s.trusted.verify(r.PostForm.Get("token"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answerJSON(w, struct {
		Active bool `json:"active"`
		claims
	}{true, c})
}

// form is HTTP alone: a form is read and something is answered.
func (s *server) form(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.PostForm.Get("token") == "" {
		http.Error(w, "no token", http.StatusBadRequest)
		return
	}
	answer(w, s.jwks)
}
