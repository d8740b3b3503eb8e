package identity

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// discover returns where an issuer's discovery document says that its keys are.
func (c *channel) discover(ctx context.Context, issuer string) (string, error) {
	address := discoveryAddress(issuer)
	document, err := c.get(ctx, address)
	if err != nil {
		return "", err
	}
	named, keys, err := parseDiscovery(document)
	switch {
	case err != nil:
		return "", &failure{badDocument, fmt.Errorf("%s: %w", address, err)}
	case named != issuer: // to the byte: OpenID Connect Discovery §4.3
		return "", &failure{otherIssuer, fmt.Errorf("%s names %q", address, named)}
	}
	return keys, nil
}

// discoveryAddress drops one final slash, which belongs to the issuer's name but not to the path (OpenID Connect
// Discovery §4.1).
func discoveryAddress(issuer string) string {
	return strings.TrimSuffix(issuer, "/") + "/.well-known/openid-configuration"
}

// parseDiscovery goes through a map, whose names have a case; encoding/json would let ISSUER stand in for issuer.
func parseDiscovery(document []byte) (issuer, keys string, err error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(document, &members); err != nil {
		return "", "", err
	}
	if err := json.Unmarshal(members["issuer"], &issuer); err != nil {
		return "", "", fmt.Errorf("issuer: %w", err)
	}
	if err := json.Unmarshal(members["jwks_uri"], &keys); err != nil {
		return "", "", fmt.Errorf("jwks_uri: %w", err)
	}
	return issuer, keys, nil
}
