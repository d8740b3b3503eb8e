// Package manifest reads files that declare whom workspaces trust, and finds out what is to be done so that it is so.
//
// A file is read strictly: what is not in the format, comes twice, or could be read two ways is refused with its line, and
// nothing is evaluated that it does not spell out (no anchors, no tags). A declared trust is checked as the server checks it
// (policy.Check) before anything is tried, so that a plan compares what will be written with what is there.
//
// A trust belongs to a manifest by its label, "<manifest>/<name>". What has no label of this manifest is never touched,
// unless the file adopts it by its ID. The package calls no server: what is there is handed to Plan, and what is to be done
// comes back as changes that the caller makes, each an ordinary call of the management API.
package manifest

import "strconv"

//go:generate go run ./genschema ../../docs/reference/federation.schema.json

// Version is the version of the format.
const Version = 1

// File is one manifest: of one file, or of all files of a folder together.
type File struct {
	Version    int         `yaml:"version" json:"version" need:"yes" doc:"Version of this format: 1"`
	Manifest   string      `yaml:"manifest" json:"manifest" need:"yes" form:"name" doc:"Name of the manifest: what it applied is known by it. All files of a folder have the same"`
	Workspaces []Workspace `yaml:"workspaces" json:"workspaces" need:"yes" doc:"The workspaces that it declares something of"`
}

// Workspace is what is declared of one workspace.
type Workspace struct {
	Name   string  `yaml:"name" json:"name" need:"yes" doc:"Name of the workspace; one that does not exist is created, and administered by who applies"`
	Trusts []Trust `yaml:"trusts" json:"trusts" doc:"The trust relationships"`
}

// Trust is a declared trust relationship. What is left out has its default.
type Trust struct {
	Name                string            `yaml:"name" json:"name" need:"yes" form:"name" doc:"Stable name within manifest and workspace: another name is another trust"`
	Adopt               string            `yaml:"adopt,omitempty" json:"adopt,omitempty" doc:"ID of a trust that was made by hand and is this one from now on"`
	Preset              string            `yaml:"preset,omitempty" json:"preset,omitempty" doc:"Preset that writes issuer, subject_match and condition"`
	With                map[string]string `yaml:"with,omitempty" json:"with,omitempty" doc:"Values of the preset's parameters"`
	Issuer              string            `yaml:"issuer,omitempty" json:"issuer,omitempty" doc:"Whose tokens are admitted: an HTTPS URL, byte for byte as in their iss"`
	SubjectMatch        string            `yaml:"subject_match,omitempty" json:"subject_match,omitempty" doc:"Pattern of sub: literal text and *"`
	Audience            string            `yaml:"audience,omitempty" json:"audience,omitempty" doc:"Pattern of the aud that is expected; the workspace's issuer where it is left out"`
	Condition           string            `yaml:"condition,omitempty" json:"condition,omitempty" doc:"CEL over claims that must be true as well; beside a preset it narrows the preset's own"`
	Mappings            map[string]string `yaml:"mappings,omitempty" json:"mappings,omitempty" doc:"CEL for groups and attributes.* of the tokens"`
	Grants              []Grant           `yaml:"grants,omitempty" json:"grants,omitempty" doc:"What the tokens may do: never more than who applies it may himself"`
	DefaultDuration     string            `yaml:"default_token_duration,omitempty" json:"default_token_duration,omitempty" form:"duration" doc:"How long tokens live where nothing is asked for; default 15m"`
	MaxDuration         string            `yaml:"max_token_duration,omitempty" json:"max_token_duration,omitempty" form:"duration" doc:"How long they may live at most; default 1h"`
	MaxLifetime         string            `yaml:"max_external_lifetime,omitempty" json:"max_external_lifetime,omitempty" form:"duration" doc:"The longest lifetime of an external token that is admitted; default 1d"`
	SingleUse           bool              `yaml:"single_use,omitempty" json:"single_use,omitempty" doc:"Admit each external token once, by its jti"`
	Disabled            bool              `yaml:"disabled,omitempty" json:"disabled,omitempty" doc:"Admit no token"`
	AllowSharedAudience bool              `yaml:"allow_shared_audience,omitempty" json:"allow_shared_audience,omitempty" doc:"Allow an audience that many hold for another purpose"`
	AcceptDelegation    bool              `yaml:"accept_delegation,omitempty" json:"accept_delegation,omitempty" doc:"Believe the issuer's tokens in who acts for their subject (act) and who may (may_act)"`
	Description         string            `yaml:"description,omitempty" json:"description,omitempty" doc:"For people"`
	KeySource           *KeySource        `yaml:"key_source,omitempty" json:"key_source,omitempty" doc:"Where the issuer's keys come from; by discovery where it is left out. All trusts of a workspace in one issuer share it"`
}

// Grant is what a token may do: on which resources of a type, which actions.
type Grant struct {
	ResourceType string   `yaml:"resource_type" json:"resource_type" need:"yes" doc:"Type of the resource, such as audience"`
	ResourceID   string   `yaml:"resource_id" json:"resource_id" need:"yes" doc:"The resource, or a pattern of several"`
	Actions      []string `yaml:"actions" json:"actions" need:"yes" doc:"What may be done there, such as issue"`
}

// KeySource is where the keys of an issuer come from.
type KeySource struct {
	Kind     string `yaml:"kind" json:"kind" need:"yes" form:"kind" doc:"discovery, jwks_url or jwks"`
	URL      string `yaml:"url,omitempty" json:"url,omitempty" doc:"Address of the key set; with jwks_url"`
	CA       string `yaml:"ca,omitempty" json:"ca,omitempty" doc:"PEM of private certificate authorities"`
	JWKS     string `yaml:"jwks,omitempty" json:"jwks,omitempty" doc:"The key set, JSON in text; with jwks"`
	NotAfter string `yaml:"not_after,omitempty" json:"not_after,omitempty" doc:"When the uploaded key set ceases to be believed, RFC 3339; with jwks"`
}

// Error says where a manifest is wrong, and why.
type Error struct {
	File    string // "" for a text without a name
	Line    int    // 0 for the whole file
	Problem string
}

// Error returns the place and the problem, in one line.
func (e *Error) Error() string {
	switch {
	case e.File == "" && e.Line == 0:
		return e.Problem
	case e.Line == 0:
		return e.File + ": " + e.Problem
	case e.File == "":
		return "line " + strconv.Itoa(e.Line) + ": " + e.Problem
	}
	return e.File + ":" + strconv.Itoa(e.Line) + ": " + e.Problem
}
