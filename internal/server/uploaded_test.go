package server

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// What an uploaded key set must not be is refused as it is written: ended already, or a secret that whoever reads trusts
// would see. It is not quoted.
func TestSecurityAnUploadedKeySetIsCheckedWhenItIsWritten(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	set := fmt.Sprintf(`{"keys":[%s]}`, i.jwk(t, "k1"))
	const secret = "c2VjcmV0IHNlY3JldCBzZWNyZXQ"
	hour := func(n time.Duration) string { return time.Now().Add(n * time.Hour).UTC().Format(time.RFC3339) }
	source := func(document, end string) map[string]any {
		return map[string]any{"kind": "jwks", "jwks": document, "not_after": end}
	}
	path := apiRoot + "/dev/trust-relationships"
	id := s.trust(t, i, map[string]any{"key_source": source(set, hour(1))})
	for rule, row := range map[string]struct {
		source map[string]any
		field  string
		says   string
	}{
		"ended":           {source(set, hour(-1)), "key_source.not_after", "is past"},
		"a private key":   {source(strings.Replace(set, `"kty"`, `"d":"`+secret+`","kty"`, 1), hour(1)), "key_source.jwks", "private half"},
		"a symmetric key": {source(strings.Replace(set, `[`, `[{"kty":"oct","k":"`+secret+`"},`, 1), hour(1)), "key_source.jwks", "private half"},
		"too many":        {source(`{"keys":[1`+strings.Repeat(",1", 100)+`]}`, hour(1)), "key_source.jwks", "more than 100 keys"},
	} {
		for _, r := range []reply{
			s.call(t, "POST", path, s.bearer(t), map[string]any{"issuer": i.URL, "subject_match": "ci:new", "key_source": row.source}),
			s.call(t, "PATCH", path+"/"+id, s.bearer(t), map[string]any{"key_source": row.source}),
		} {
			if detail, _ := r.body["detail"].(string); r.status != http.StatusUnprocessableEntity || r.body["field"] != row.field || !strings.Contains(detail, row.says) {
				t.Errorf("%s: %v", rule, r)
			}
			if strings.Contains(r.text, secret) || strings.Contains(s.logs.String(), secret) {
				t.Errorf("%s: it is quoted: %v", rule, r)
			}
		}
	}
}
