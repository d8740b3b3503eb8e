package identity

import (
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/jwt"
)

// addressedTo reports whether the token is for the audience and for nobody else (rule 1).
func addressedTo(c *jwt.Claims, audience string) bool {
	return len(c.Audience) == 1 && c.Audience[0] == audience
}

// carriesLineage reports whether a token has the marks of an nsc issuer. One mark is enough: who leaves the others out
// gets no further, while an issuer that leaves out all of them is one like any other.
func carriesLineage(c *jwt.Claims) bool {
	if strings.HasPrefix(c.Subject, subjectRoot) {
		return true
	}
	for _, name := range []string{"workspace_id", "root_iat", "depth"} {
		if _, ok := c.Raw(name); ok {
			return true
		}
	}
	return false
}

// maxDepth is beyond every depth that policy admits; it keeps the number small enough to count on.
const maxDepth = 1 << 16

// lineage returns when the first nsc token of the chain was issued and how many federations lie behind this one; an
// nsc token must tell both (rule 5). A root later than the token itself, but for the leeway between two clocks, would
// make the chain look younger than it is.
func lineage(c *jwt.Claims) (root time.Time, depth int, err error) {
	seconds, ok := c.Int("root_iat")
	if !ok || seconds <= 0 || seconds > c.IssuedAt+leeway {
		return time.Time{}, 0, refuse("an nsc token without a credible root_iat")
	}
	count, ok := c.Int("depth")
	if !ok || count < 0 || count > maxDepth {
		return time.Time{}, 0, refuse("an nsc token without a credible depth")
	}
	return time.Unix(seconds, 0), int(count), nil
}
