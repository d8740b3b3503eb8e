package web

import (
	"net/http"
	"strings"
)

// introspect serves RFC 7662. The caller shows an access token whose grants let him introspect tokens for the audience.
func (h *handler) introspect(w http.ResponseWriter, r *http.Request) error {
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	credential, err := bearer(r.Header.Get("Authorization"))
	if err != nil {
		return err
	}
	if form.Get("token") == "" {
		return malformed("token is missing")
	}
	if _, err := h.snapshot(r); err != nil {
		return err
	}
	subject, active, err := h.Tokens.Introspect(r.Context(), r.PathValue("workspace"), credential, form.Get("token"))
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	body := `{"active":false}`
	if active {
		kind := `{"active":true,"token_type":"N_A",`
		if subject.ClientID() != "" { // only access tokens name a client (rule 11)
			kind = `{"active":true,"token_type":"Bearer",`
		}
		body = kind + strings.TrimPrefix(subject.Payload(), "{")
	}
	writeBody(w, http.StatusOK, []byte(body))
	return nil
}

// revoke serves RFC 7009: who holds a token may revoke it (rule 33). A token that is invalid already is no error (§2.2).
func (h *handler) revoke(w http.ResponseWriter, r *http.Request) error {
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	if form.Get("token") == "" {
		return malformed("token is missing")
	}
	if _, err := h.snapshot(r); err != nil {
		return err
	}
	held, err := h.Tokens.Held(r.Context(), r.PathValue("workspace"), form.Get("token"))
	if err != nil {
		return err
	}
	if err := h.Manage.Revoke(r.Context(), held, address(r)); err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	return nil
}
