// Package assertion runs assertions about whom a workspace trusts: claims that must be allowed, or denied. They are files
// that belong beside the code whose tokens they are about, and run wherever that is tested: against a workspace, or with
// trust relationships of their own and no server at all.
package assertion

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/nsc-federation/nsc/internal/identity"
)

// File is a file of assertions, YAML or JSON. It is strict: what it does not know is an error.
type File struct {
	Workspace string  `yaml:"workspace"` // its issuer, for files with trusts of their own
	Trusts    []Trust `yaml:"trusts"`    // in place of the workspace's
	Cases     []Case  `yaml:"cases"`
}

// Case is one assertion: exactly one of Allow and Deny is given.
type Case struct {
	Name      string         `yaml:"name" json:"name"`
	Claims    map[string]any `yaml:"claims" json:"-"` // without aud: the workspace's issuer
	TokenType string         `yaml:"token_type" json:"-"`
	Audience  string         `yaml:"audience" json:"-"` // that is asked for
	Scope     []string       `yaml:"scope" json:"-"`
	Allow     *Allow         `yaml:"allow" json:"-"`
	Deny      *Deny          `yaml:"deny" json:"-"`
}

// Allow wants a token. What is absent may be anything; grants and groups are all that there are.
type Allow struct {
	Trust  string    `yaml:"trust"` // is among those that match
	Grants *[]Grant  `yaml:"grants"`
	Groups *[]string `yaml:"groups"`
}

// Deny wants no token.
type Deny struct {
	Reason string `yaml:"reason"` // "" is any
}

// Grant is a grant as the command line writes it.
type Grant struct {
	ResourceType string   `yaml:"resource_type"`
	ResourceID   string   `yaml:"resource_id"`
	Actions      []string `yaml:"actions"`
}

// Trust is a trust relationship as the API shows it. What says nothing about whom it admits may be there, too, so that what
// nsc auth trust-relationships list -o json prints can be pasted.
type Trust struct {
	Name                string            `yaml:"name"`
	ID                  string            `yaml:"id"`
	Issuer              string            `yaml:"issuer"`
	SubjectMatch        string            `yaml:"subject_match"`
	Audience            string            `yaml:"audience"`
	Condition           string            `yaml:"condition"`
	Mappings            map[string]string `yaml:"mappings"`
	Grants              []Grant           `yaml:"grants"`
	DefaultDuration     time.Duration     `yaml:"default_token_duration"`
	MaxDuration         time.Duration     `yaml:"max_token_duration"`
	MaxLifetime         time.Duration     `yaml:"max_external_lifetime"`
	SingleUse           bool              `yaml:"single_use"`
	Enabled             *bool             `yaml:"enabled"`
	AllowSharedAudience bool              `yaml:"allow_shared_audience"`
	AcceptDelegation    bool              `yaml:"accept_delegation"`

	Description any `yaml:"description"`
	ManagedBy   any `yaml:"managed_by"`
	KeySource   any `yaml:"key_source"`
	Version     any `yaml:"version"`
	Revision    any `yaml:"revision"`
	CreatedBy   any `yaml:"created_by"`
	CreatedAt   any `yaml:"created_at"`
	UpdatedBy   any `yaml:"updated_by"`
	UpdatedAt   any `yaml:"updated_at"`
	Warnings    any `yaml:"warnings"`
}

const maxFile = 4 << 20 // bytes

// Parse reads a file. Errors say where and what, over several lines.
func Parse(r io.Reader) (File, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return File{}, err
	}
	if len(text) > maxFile {
		return File{}, fmt.Errorf("is larger than %d MiB", maxFile>>20)
	}
	var f File
	decoder := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict())
	if err := decoder.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return File{}, errors.New(yaml.FormatError(err, false, true))
	}
	if err := decoder.Decode(new(any)); !errors.Is(err, io.EOF) {
		return File{}, errors.New("has more than one document")
	}
	return f, f.check()
}

func (f File) check() error {
	switch {
	case len(f.Cases) == 0:
		return errors.New("has no cases")
	case len(f.Trusts) > 0 && f.Workspace == "":
		return errors.New("has trusts of its own and no workspace: write the issuer of the workspace that they are for")
	}
	for i, c := range f.Cases {
		if err := c.check(); err != nil {
			return fmt.Errorf("cases[%d] (%s): %w", i, c.Name, err)
		}
	}
	return nil
}

func (c Case) check() error {
	switch {
	case c.Name == "":
		return errors.New("has no name")
	case c.Claims == nil:
		return errors.New("has no claims")
	case (c.Allow == nil) == (c.Deny == nil):
		return errors.New("needs either allow or deny; write allow: {} for any token, deny: {} for any reason")
	}
	switch c.TokenType {
	case "", "access_token", "id_token":
		return nil
	}
	return fmt.Errorf("token_type is %q; write access_token or id_token", c.TokenType)
}

// Document returns the claims as a token for a workspace would carry them, JSON.
func (c Case) Document(workspace string) ([]byte, error) {
	claims := map[string]any{"aud": workspace}
	for name, value := range c.Claims {
		claims[name] = value
	}
	return json.Marshal(claims)
}

// Type returns the kind of token that is asked for: where an audience is and no kind, an ID token.
func (c Case) Type() string {
	switch {
	case c.TokenType != "":
		return c.TokenType
	case c.Audience != "":
		return "id_token"
	}
	return "access_token"
}

func permissions(grants []Grant) []identity.Permission {
	list := make([]identity.Permission, len(grants))
	for i, g := range grants {
		list[i] = identity.Permission(g)
	}
	return list
}
