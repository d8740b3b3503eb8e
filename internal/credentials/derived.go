package credentials

// Derived returns the token for a workspace that was had by federation from the origin before, where it is still good.
func (s Store) Derived(origin Credential, workspace string) (Credential, bool) {
	c, err := s.load("", workspace)
	ok := err == nil && c.DerivedBy(origin) && c.Workspace == workspace && c.Base == origin.Base && !c.Expired(s.now())
	return c, ok
}

// SaveDerived keeps a token that was had by federation from the origin. It never replaces a sign-in that is still good:
// that one is somebody's, this one can be had again.
func (s Store) SaveDerived(origin Credential, workspace, bearerToken string) error {
	present, err := s.load("", workspace)
	if err == nil && present.DerivedFrom == "" && !present.Expired(s.now()) {
		return nil
	}
	path, err := s.Path("", workspace)
	if err != nil {
		return err
	}
	return Save(path, Stored{BearerToken: bearerToken, DerivedFrom: Digest(origin.BearerToken)})
}
