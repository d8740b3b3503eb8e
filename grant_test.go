package nsc

import (
	"encoding/json"
	"testing"
)

// FuzzGrants: whatever stands in authorization_details, an entry grants something only where it has the three members
// under their own names and nothing else.
func FuzzGrants(f *testing.F) {
	for _, seed := range []string{
		`[{"type":"http","identifier":"a/*","actions":["get"]}]`, `[{"TYPE":"http"}]`, `[{"type":"http","type":"registry"}]`,
		`[{"type":null,"actions":null}]`, `[{"type":"http","x":1}]`, `[null]`, `[[]]`, `{}`, `"x"`, `null`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var read []grant
		var plain []map[string]any
		if json.Unmarshal(text, &read) != nil || json.Unmarshal(text, &plain) != nil {
			return
		}
		for i, g := range read {
			for name := range plain[i] {
				if name != "type" && name != "identifier" && name != "actions" && !g.strange {
					t.Errorf("%s: %q is overlooked", text, name)
				}
			}
			for name, value := range map[string]string{"type": g.ResourceType, "identifier": g.ResourceID} {
				if said, _ := plain[i][name].(string); value != said {
					t.Errorf("%s: %s is read as %q", text, name, value)
				}
			}
		}
	})
}
