package preset

// meshes returns the presets of workload identity by attestation.
func meshes() []Preset { return []Preset{spiffe()} }

// spiffe is about JWT-SVIDs. Their iss is the URL of the trust domain's discovery provider, if the server is told to write
// one; the SPIFFE ID is the subject.
func spiffe() Preset {
	const path = `(?:/[A-Za-z0-9._-]+)+`
	return Preset{
		Name: "spiffe", Title: "SPIFFE JWT-SVID (SPIRE and others)", Guide: "spiffe.md",
		Source: "https://github.com/spiffe/spiffe/blob/main/standards/JWT-SVID.md",
		Pins:   "the trust domain by its issuer, and the workload by its SPIFFE ID, which is all that there is",
		Parameters: []Parameter{
			{Name: "issuer", Meaning: "jwt_issuer of the SPIRE server, where its discovery provider answers", Required: true, Example: "https://spire-oidc.example.com", form: issuerURL},
			{Name: "trust-domain", Meaning: "the trust domain", Required: true, Example: "example.com", form: newForm("lower-case letters, digits, '-', '_' and '.'", `[a-z0-9._-]+`)},
			{Name: "path", Meaning: "path of the SPIFFE ID; what ends in /* admits all below", Required: true, Example: "/ns/apps/sa/deployer", form: newForm("a path such as /ns/apps/sa/deployer, which may end in /*", path+`(?:/\*)?`)},
		},
		build: func(g given) (draft, error) {
			return draft{issuer: g["issuer"], subject: "spiffe://" + g["trust-domain"] + g["path"]}, nil
		},
	}
}
