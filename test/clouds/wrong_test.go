package clouds

import "testing"

// elsewhere is an audience that none of the guides is about.
const elsewhere = "https://elsewhere.example.com"

// The tokens that must stay out. Each differs in one property from the one that a guide's policy admits.
const (
	otherAudience    = "for another audience"
	otherSubject     = "of another service account"
	otherWorkspace   = "of another workspace"
	claimedWorkspace = "of another workspace that claims to be this one"
	changedSubject   = "whose subject was changed"
	changedAudience  = "whose audience was changed"
	changedEnd       = "whose end was put off"
	unknownKey       = "signed by a key that the issuer does not publish"
	noSignature      = "without a signature"
	accessToken      = "that is an access token for the workspace"
	withNewline      = "with a line's end after it"
	ofOtherAlgorithm = "signed by an algorithm that the cloud does not know"
)

// wrongTokens returns such tokens by what is wrong with them.
func (r *reader) wrongTokens(t *testing.T, audience string) map[string]string {
	t.Helper()
	r.trust(t, deployer, elsewhere)
	r.trust(t, bystander, audience)
	both := r.signIn(t, r.home, deployer) // the first sign-in does not carry the new grant
	good, strange := both.issue(t, audience), r.signIn(t, r.other, deployer).issue(t, audience)
	misdirected := both.issue(t, elsewhere, "--alg", read(t, good).Algorithm)
	return map[string]string{
		otherAudience:    misdirected,
		otherSubject:     r.signIn(t, r.home, bystander).issue(t, audience),
		otherWorkspace:   strange,
		claimedWorkspace: tampered(t, strange, "iss", r.home.Issuer),
		changedSubject:   tampered(t, good, "sub", "workspace/somebody/else"),
		changedAudience:  tampered(t, misdirected, "aud", audience),
		changedEnd:       tampered(t, good, "exp", read(t, good).ExpiresAt+3600),
		unknownKey:       forged(t, good),
		noSignature:      unsigned(t, good),
		accessToken:      both.bearer(t),
		withNewline:      good + "\n",
	}
}

// inEdDSA returns a good token but for its algorithm. The workspace must be given a key for that.
func (r *reader) inEdDSA(t *testing.T, audience string) string {
	t.Helper()
	r.lab.server.administrator(r.home).run(t, "keys", "rotate", "--alg", "EdDSA")
	issued := ""
	err := waitFor(patiently(t), func() (err error) { // until the key signs
		issued, err = r.deployer.cli.output(t.Context(), "auth", "issue-id-token", "--audience", audience, "--alg", "EdDSA")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return issued[:len(issued)-1]
}
