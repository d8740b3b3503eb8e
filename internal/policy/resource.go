package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nsc-federation/nsc/internal/grants"
)

// The types of resource that grants speak of.
const (
	Workspace  = grants.Workspace
	Audience   = grants.Audience
	HTTP       = grants.HTTP
	Kubernetes = grants.Kubernetes
	Docker     = grants.Docker
	Registry   = grants.Registry
	Postgres   = grants.Postgres
)

// Actions that nsc itself asks for.
const (
	Read       = grants.Read
	Write      = grants.Write
	Admin      = grants.Admin
	Issue      = "issue"
	Introspect = "introspect"
)

const (
	everything = grants.Everything
	maxAction  = 256 // bytes
)

// resource is what a type of resource allows in a grant.
type resource struct {
	id      func(text string) (warning, problem string) // of a resource ID
	action  func(text string) bool
	actions string // which there are, for the writer of a grant
}

// resources is the table "Actions by resource type" of the rules.
var resources = map[string]resource{
	Workspace:  {id: checkNoun, action: oneOf(Read, Write, Admin), actions: "read, write, admin"},
	Audience:   {id: checkAudienceID, action: oneOf(Issue, Introspect), actions: "issue, introspect"},
	HTTP:       {id: checkPathID, action: oneOf(methods...), actions: strings.Join(methods, ", ")},
	Kubernetes: {id: checkName, action: kubernetesAction, actions: "user, group:<name> (without system:)"},
	Docker:     {id: checkName, action: dockerAction, actions: "<object>:<verb>, as container:create"},
	Registry:   {id: checkRepository, action: oneOf(pulls...), actions: strings.Join(pulls, ", ")},
	Postgres:   {id: checkDatabase, action: postgresAction, actions: "connect:<role>"},
}

// nouns are what the management API knows in a workspace.
var nouns = []string{"trust", "key", "record", "token", "workspace", "resource", "client", "member"}

// methods are those of RFC 9110 §9 and RFC 5789, in lower case; "*" is every method.
var methods = []string{"get", "head", "post", "put", "patch", "delete", "options", "trace", "connect", everything}

var pulls = []string{"pull", "push", "delete"}

func oneOf(names ...string) func(string) bool {
	return func(text string) bool { return slices.Contains(names, text) }
}

func kubernetesAction(text string) bool {
	name, ok := strings.CutPrefix(text, "group:")
	return text == "user" || ok && name != "" && !reserved(name)
}

func dockerAction(text string) bool {
	object, verb, ok := strings.Cut(text, ":")
	return ok && consistsOf(object, lower+"-_") && consistsOf(verb, lower+"-_")
}

func postgresAction(text string) bool {
	role, ok := strings.CutPrefix(text, "connect:")
	return ok && role != ""
}

// reserved reports whether a group or an attribute belongs to Kubernetes itself (rule 12).
func reserved(name string) bool { return name == "system" || strings.HasPrefix(name, systemPrefix) }

const systemPrefix = "system:"

const (
	lower           = "abcdefghijklmnopqrstuvwxyz"
	nameBytes       = lower + "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"
	repositoryBytes = lower + "0123456789.-_/:*"
)

func consistsOf(text, alphabet string) bool {
	return text != "" && strings.Trim(text, alphabet) == ""
}

func checkNoun(text string) (string, string) {
	switch {
	case text == everything || slices.Contains(nouns, text):
		return "", ""
	case !consistsOf(text, lower+"-_"):
		return "", "is not * or a noun such as " + strings.Join(nouns, ", ")
	}
	return "is not among " + strings.Join(nouns, ", ") + "; it grants nothing here", ""
}

func checkName(text string) (string, string) {
	if !consistsOf(text, nameBytes) {
		return "", "is not one name of letters, digits, '.', '-' and '_'; patterns are not possible here"
	}
	return "", ""
}

func checkDatabase(text string) (string, string) {
	server, database, ok := strings.Cut(text, "/")
	if !ok || !consistsOf(server, nameBytes) || database == "" || strings.ContainsAny(database, "/*") {
		return "", "is not <server>/<database>; patterns are not possible here"
	}
	return "", ""
}

func checkAudienceID(text string) (string, string) {
	if text == everything {
		return "admits every audience, those of clouds and of other workspaces too; name the audiences where you can", ""
	}
	p, err := CompileAudience(text)
	if err != nil {
		return "", err.Error()
	}
	if len(p.Literals()) == 0 {
		return "admits audiences of anybody's; name a host", ""
	}
	return "", ""
}

func checkPathID(text string) (string, string) {
	if text == everything {
		return "admits every host and path; name the hosts where you can", ""
	}
	host, _, _ := strings.Cut(text, "/")
	if host == "" || strings.ContainsAny(text, "?# ") || strings.Contains(text, "://") || strings.ToLower(host) != host {
		return "", "is not <host>/<path> with the host in lower case, without scheme, query or fragment"
	}
	return checkPath(HTTP, text)
}

func checkRepository(text string) (string, string) {
	if text == everything {
		return "admits every repository; name them where you can", ""
	}
	if !consistsOf(text, repositoryBytes) {
		return "", "is not a repository's name in lower case, with * where it may vary"
	}
	return checkPath(Registry, text)
}

// checkPath refuses what a service that is asked for it would take for something else.
func checkPath(resourceType, text string) (string, string) {
	if !grants.Canonical(resourceType, text) {
		return "", `has a segment that is empty, "." or "..", encoded or not; write the path that is meant`
	}
	return checkLoose(text)
}

// checkLoose warns about what is an error for audiences.
func checkLoose(text string) (string, string) {
	p, err := compilePattern(text)
	if err != nil {
		return "", err.Error()
	}
	if p.EndsInside() {
		return fmt.Sprintf("ends in a * within a segment: it also admits every longer name that begins with %q",
			strings.TrimSuffix(text, "*")), ""
	}
	return "", ""
}
