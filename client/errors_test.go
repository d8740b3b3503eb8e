package client_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/nsc-federation/nsc/client"
)

// TestARefusalIsFitForATerminal: what refuses may be a proxy, or whoever holds the address; its text is not believed.
func TestARefusalIsFitForATerminal(t *testing.T) {
	for name, row := range map[string]struct{ description, id, want string }{
		"plain":                 {"not with that trust", "r1", "nsc refuses: not with that trust (refusal r1)"},
		"other letters":         {"Zugriff für »prod« verweigert", "", "nsc refuses: Zugriff für »prod« verweigert"},
		"an escape sequence":    {"no\x1b[2J\x1b]0;x\ayes", "r\x1b1", "nsc refuses: no [2J ]0;x yes (refusal r 1)"},
		"the 8-bit form of one": {"no\u009b2J", "", "nsc refuses: no 2J"},
		"another line":          {"no\r\n2026-01-01 all is well", "", "nsc refuses: no  2026-01-01 all is well"},
		"the other direction":   {"no\u202eyes", "", "nsc refuses: no yes"},
		"nothing but that":      {"\x1b\x00", "\x1b", "nsc refuses: 403 Forbidden"},
		"without end":           {strings.Repeat("é", 5000), strings.Repeat("r", 5000), "nsc refuses: " + strings.Repeat("é", 1000) + "… (refusal " + strings.Repeat("r", 100) + "…)"},
		"of the most that is":   {strings.Repeat("x", 1000), "", "nsc refuses: " + strings.Repeat("x", 1000)},
	} {
		t.Run(name, func(t *testing.T) {
			timed(t, func(t *testing.T, s *fake, c *client.Client) {
				s.answer = func(w http.ResponseWriter, _ int) bool {
					w.WriteHeader(http.StatusForbidden)
					return json.NewEncoder(w).Encode(map[string]string{"error_description": row.description, "refusal_id": row.id}) == nil
				}
				if _, err := c.IDToken(t.Context(), audience); err == nil || err.Error() != row.want {
					t.Errorf("%q, want %q", err, row.want)
				}
			})
		})
	}
}
