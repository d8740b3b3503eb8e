package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// issuer is a foreign one, whose tokens are exchanged.
type issuer struct {
	name string
	ec   *ecdsa.PrivateKey
	rsa  *rsa.PrivateKey
	made atomic.Int64 // tokens, so that each has an ID of its own
}

func newIssuer(name string) (*issuer, error) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	return &issuer{name: name, ec: ec, rsa: rs}, nil
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// keySet returns the public keys as a JWKS (RFC 7517 §5).
func (i *issuer) keySet() (string, error) {
	point, err := i.ec.PublicKey.Bytes() // 4, x, y
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]any{"keys": []map[string]string{
		{"kty": "EC", "crv": "P-256", "kid": "ec", "alg": "ES256", "use": "sig", "x": encode(point[1:33]), "y": encode(point[33:])},
		{"kty": "RSA", "kid": "rsa", "alg": "RS256", "use": "sig", "n": encode(i.rsa.N.Bytes()), "e": encode(big.NewInt(int64(i.rsa.E)).Bytes())},
	}})
	return string(text), err
}

// writeKeys writes the public keys for the floor.
func (i *issuer) writeKeys(path string) error {
	var out []byte
	for _, key := range []crypto.PublicKey{i.ec.Public(), i.rsa.Public()} {
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			return err
		}
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})...)
	}
	return os.WriteFile(path, out, 0o644)
}

// job is what a token says: as a code host's of a build, some 680 bytes.
type job struct {
	Issuer      string `json:"iss"`
	Subject     string `json:"sub"`
	Audience    string `json:"aud"`
	ID          string `json:"jti"`
	ExpiresAt   int64  `json:"exp"`
	IssuedAt    int64  `json:"iat"`
	NotBefore   int64  `json:"nbf"`
	Repository  string `json:"repository"`
	Owner       string `json:"repository_owner"`
	OwnerID     string `json:"repository_owner_id"`
	Actor       string `json:"actor"`
	ActorID     string `json:"actor_id"`
	Workflow    string `json:"workflow"`
	Event       string `json:"event_name"`
	Ref         string `json:"ref"`
	RefType     string `json:"ref_type"`
	WorkflowRef string `json:"job_workflow_ref"`
	Runner      string `json:"runner_environment"`
	Environment string `json:"environment"`
	RunID       string `json:"run_id"`
	RunNumber   string `json:"run_number"`
	RunAttempt  string `json:"run_attempt"`
	SHA         string `json:"sha"`
}

// token describes one that is to be made.
type token struct {
	algorithm         string
	issuer            string // "" is the issuer's own name
	subject, audience string
}

func (i *issuer) sign(t token) (string, error) {
	now := time.Now().Unix()
	if t.issuer == "" {
		t.issuer = i.name
	}
	payload, err := json.Marshal(job{
		Issuer: t.issuer, Subject: t.subject, Audience: t.audience, ID: "job-" + strconv.FormatInt(i.made.Add(1), 10),
		ExpiresAt: now + 3600, IssuedAt: now, NotBefore: now - 5,
		Repository: "acme/api", Owner: "acme", OwnerID: "65", Actor: "octo", ActorID: "12", Workflow: "deploy", Event: "push",
		Ref: "refs/heads/main", RefType: "branch", WorkflowRef: "acme/api/.github/workflows/deploy.yml@refs/heads/main",
		Runner: "hosted", Environment: "production", RunID: "1234567890", RunNumber: "10", RunAttempt: "2",
		SHA: "0123456789012345678901234567890123456789",
	})
	if err != nil {
		return "", err
	}
	kid := "ec"
	if t.algorithm == "RS256" {
		kid = "rsa"
	}
	input := encode([]byte(`{"alg":"`+t.algorithm+`","kid":"`+kid+`","typ":"JWT"}`)) + "." + encode(payload)
	signature, err := i.signature(t.algorithm, input)
	return input + "." + encode(signature), err
}

func (i *issuer) signature(algorithm, input string) ([]byte, error) {
	digest := sha256.Sum256([]byte(input))
	if algorithm == "RS256" {
		return rsa.SignPKCS1v15(rand.Reader, i.rsa, crypto.SHA256, digest[:])
	}
	r, s, err := ecdsa.Sign(rand.Reader, i.ec, digest[:])
	if err != nil {
		return nil, err
	}
	out := make([]byte, 64)
	r.FillBytes(out[:32])
	s.FillBytes(out[32:])
	return out, nil
}

// tokens makes n tokens on all processors.
func (i *issuer) tokens(n int, describe func(n int) token) ([]string, error) {
	all, failures := make([]string, n), make([]error, n)
	var next atomic.Int64
	var wait sync.WaitGroup
	for range runtime.NumCPU() {
		wait.Go(func() {
			for {
				k := int(next.Add(1)) - 1
				if k >= n {
					return
				}
				all[k], failures[k] = i.sign(describe(k))
			}
		})
	}
	wait.Wait()
	for _, err := range failures {
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}
