package workspace

import (
	"context"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/identity"
)

// CutKind is what a lasting cut-off names (rule 21). Trusts and keys are cut off by their own versions and rings.
type CutKind string

// The kinds of lasting cut-off.
const (
	CutToken   CutKind = "token"   // the jti of a token of ours
	CutSubject CutKind = "subject" // a subject as nsc names it; also for new exchanges
	CutIssuer  CutKind = "issuer"  // the hash of an issuer in its subjects (rule 10); also for new exchanges
)

// CutOff forbids what it names until it is lifted or has expired.
type CutOff struct {
	ID          string
	WorkspaceID string
	Kind        CutKind
	Value       string
	Reason      string // for people
	CreatedBy   string
	CreatedAt   time.Time
	ExpiresAt   time.Time // zero: until it is lifted
}

// Cuts is what a snapshot knows of the cut-offs: all of subjects and issuers, which people make, and whether there are
// any of tokens, which are looked up one by one.
type Cuts struct {
	Subjects map[string]bool
	Issuers  map[string]bool
	Tokens   bool
}

// Bearer is whoever shows a token, as far as a cut-off may name him.
type Bearer interface {
	Kind() identity.Kind
	Subject() string
	TokenID() string
	Parents() []string
	Act() *identity.Act
}

// CutOff returns what of a caller is cut off, "" for nothing.
func (s *Snapshot) CutOff(ctx context.Context, caller Bearer) (CutKind, error) {
	if kind := s.subjectCut(caller.Subject()); kind != "" {
		return kind, nil
	}
	if kind := s.ActCutOff(caller.Act()); kind != "" { // rule 34: with either
		return kind, nil
	}
	if caller.Kind() == identity.External {
		return "", nil
	}
	for _, tokenID := range append([]string{caller.TokenID()}, caller.Parents()...) { // what was derived falls with its parent
		if cut, err := s.TokenCut(ctx, tokenID); err != nil || cut {
			return CutToken, err
		}
	}
	return "", nil
}

// ActCutOff returns what is cut off of those who act for somebody, "" for nothing.
func (s *Snapshot) ActCutOff(act *identity.Act) CutKind {
	for ; act != nil; act = act.Act {
		if kind := s.subjectCut(act.Name(s.Tenant)); kind != "" {
			return kind
		}
	}
	return ""
}

func (s *Snapshot) subjectCut(subject string) CutKind {
	if s.cuts.Subjects[subject] {
		return CutSubject
	}
	if hash, ok := identity.SubjectIssuer(subject); ok && s.cuts.Issuers[hash] {
		return CutIssuer
	}
	return ""
}

// TokenCut reports whether a token of ours is cut off.
func (s *Snapshot) TokenCut(ctx context.Context, tokenID string) (bool, error) {
	if !s.cuts.Tokens || tokenID == "" {
		return false, nil
	}
	cut, ok := s.tokens.Get(tokenID)
	if !ok {
		var err error
		if cut, err = s.reader.TokenCut(ctx, s.ID, tokenID); err != nil {
			return false, err
		}
		s.tokens.Add(strings.Clone(tokenID), cut) // it is a part of its whole token
	}
	return cut, nil
}
