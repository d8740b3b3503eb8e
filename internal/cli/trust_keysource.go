package cli

import (
	"crypto/x509"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/cli/api"
	"github.com/nsc-federation/nsc/internal/failure"
	"github.com/nsc-federation/nsc/internal/jwt"
)

// keySourceFlags say where the keys of an issuer come from.
type keySourceFlags struct {
	jwksURL, jwksFile, notAfter, caFile string
	discovery                           bool
}

func (f *keySourceFlags) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.jwksURL, "jwks-url", "", "`URL` of the issuer's keys, where it has no discovery document")
	flags.StringVar(&f.jwksFile, "jwks-file", "", "`file` with the issuer's keys, for an issuer that the server cannot reach; needs --jwks-not-after")
	flags.StringVar(&f.notAfter, "jwks-not-after", "", "`time` (2026-01-31T12:00:00Z, or from now: 30d) until which the uploaded keys are believed, by all trusts in the issuer; add keeps a sooner end that they have where it is given from now")
	flags.StringVar(&f.caFile, "issuer-ca-file", "", "PEM `file` of the certificate authorities of the issuer (--ca-file is for nsc's own)")
	flags.BoolVar(&f.discovery, "discovery", false, "get the issuer's keys by its discovery document (the default)")
}

// change returns the key source that the flags make of the present one, or nil where they say nothing. The private
// authorities stay where only the address changes.
func (f *keySourceFlags) change(cmd *cobra.Command, present func() (api.KeySource, error), fromNow func(time.Duration) time.Time) (*api.KeySource, error) {
	kind, err := f.kind(cmd)
	if err != nil {
		return nil, err
	}
	if kind == api.JWKS {
		return f.uploaded(fromNow)
	}
	ca := given(cmd, "issuer-ca-file", f.caFile)
	if kind == "" && ca == nil {
		return nil, nil
	}
	source, err := present()
	if err != nil {
		return nil, err
	}
	switch {
	case kind != "":
		source = api.KeySource{Kind: kind, URL: f.jwksURL, CA: source.CA}
	case source.Kind == api.JWKS:
		return nil, failure.Misuse("--issuer-ca-file is given, and the issuer's keys are uploaded: nothing is fetched", "add --discovery or --jwks-url URL to have them fetched")
	}
	if ca != nil {
		source.CA, err = readCA(f.caFile)
	}
	return &source, err
}

// kind returns which kind of key source the flags name, "" for none.
func (f *keySourceFlags) kind(cmd *cobra.Command) (string, error) {
	kind := ""
	for _, choice := range []struct{ flag, kind string }{
		{"jwks-url", api.JWKSURL}, {"jwks-file", api.JWKS}, {"discovery", api.Discovery},
	} {
		if !cmd.Flags().Changed(choice.flag) || choice.flag == "discovery" && !f.discovery {
			continue
		}
		if kind != "" {
			return "", failure.Misuse("--jwks-url, --jwks-file and --discovery exclude each other", "give one of them")
		}
		kind = choice.kind
	}
	switch {
	case kind == api.JWKS && f.notAfter == "":
		return "", missingFlag("--jwks-not-after", "say until when the uploaded keys are believed: --jwks-not-after 30d")
	case kind != api.JWKS && f.notAfter != "":
		return "", failure.Misuse("--jwks-not-after is given without --jwks-file", "it says until when uploaded keys are believed: add --jwks-file FILE")
	case kind == api.JWKS && f.caFile != "":
		return "", failure.Misuse("--issuer-ca-file is given with --jwks-file", "uploaded keys are not fetched: leave out --issuer-ca-file")
	}
	return kind, nil
}

func (f *keySourceFlags) uploaded(fromNow func(time.Duration) time.Time) (*api.KeySource, error) {
	until, err := flagMoment("--jwks-not-after", f.notAfter, fromNow)
	if err != nil {
		return nil, err
	}
	text, err := readFlagFile("--jwks-file", f.jwksFile)
	if err != nil {
		return nil, err
	}
	if jwt.Private(text) != "" {
		return nil, failure.Misuse(f.jwksFile+" has a private key in it, or a secret one", "give the public halves alone; nothing was sent")
	}
	if _, err := jwt.ParseKeySet(text); err != nil {
		_, why, _ := strings.Cut(err.Error(), "key set: ")
		return nil, failure.Wrap(failure.Misused, err, fmt.Sprintf("%s is not a key set that nsc can use: %s", f.jwksFile, strings.TrimPrefix(why, "jwt: ")),
			`it must be JSON, {"keys": [...]}, with a public key for signatures`)
	}
	return &api.KeySource{Kind: api.JWKS, JWKS: string(text), NotAfter: until.UTC()}, nil
}

// readCA reads the issuer's certificate authorities; no file means those of the server's system.
func readCA(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	text, err := readFlagFile("--issuer-ca-file", file)
	if err != nil {
		return "", err
	}
	if !x509.NewCertPool().AppendCertsFromPEM(text) {
		return "", failure.Misuse(file+" holds no certificate", "have --issuer-ca-file name a PEM file")
	}
	return string(text), nil
}

func readFlagFile(flag, name string) ([]byte, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, failure.Wrap(failure.Misused, err, "the file of "+flag+" cannot be read: "+err.Error(), "have "+flag+" name a file that you can read")
	}
	return text, nil
}
