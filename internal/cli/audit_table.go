package cli

import (
	"io"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/cli/api"
)

func writeEvents(w io.Writer, events []api.Event) {
	var rows [][]string
	for _, e := range events {
		who := shortSubject(e.Subject, workspacePrefix(e.WorkspaceID))
		rows = append(rows, []string{e.Time.Local().Format(time.DateTime), e.Kind, dash(shown(who)), shown(story(e))})
	}
	table(w, []string{"TIME", "KIND", "SUBJECT", "WHAT"}, rows)
}

// workspacePrefix is how every subject of a workspace begins (rule 10).
func workspacePrefix(workspaceID string) string { return "workspace/" + workspaceID + "/" }

// shortSubject leaves out of a subject what all subjects of the record have in common.
func shortSubject(subject, prefix string) string { return strings.TrimPrefix(subject, prefix) }

// longSubject is the reverse, for a subject that was copied out of the table.
func longSubject(subject, prefix string) string {
	for _, kind := range []string{"user/", "client/", "workload/", "external/"} {
		if strings.HasPrefix(subject, kind) {
			return prefix + subject
		}
	}
	return subject
}

// story says in a few words what an event is about.
func story(e api.Event) string {
	if e.Unreadable {
		return "cannot be read: it is damaged, or was written by a newer release"
	}
	var words []string
	if e.Kind == "token.refused" { // its caller was told the ID, and asks about it
		words = append(words, "refusal "+e.ID)
	}
	if e.Token != nil {
		words = append(words, strings.ReplaceAll(e.Token.Type, "_", " ")+" for "+e.Token.Audience)
	}
	if u := e.Upstream; u != nil && u.Subject != e.Subject && !strings.HasSuffix(e.Subject, "/"+u.Subject) {
		words = append(words, "shown by "+u.Subject+" of "+u.Issuer)
	}
	if e.Object != "" {
		words = append(words, e.Object)
	}
	if e.Reason != "" {
		words = append(words, "because "+e.Reason)
	}
	return dash(strings.Join(words, ", "))
}
