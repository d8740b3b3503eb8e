package storetest

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/jwt"
	"github.com/nsc-federation/nsc/internal/keys"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/refusal"
	"github.com/nsc-federation/nsc/internal/store"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// things are what a call is about: the workspace that it names, and what it asks for there.
type things struct {
	workspaceID string
	name        string // of a workspace
	trust       policy.Trust
	user        workspace.User
	key         keys.Stored
	cutOff      workspace.CutOff
	revocable   workspace.Revocable
	event       audit.Entry
	lease       string
	refusal     string // ID
}

// every is each method of the store, called in a workspace for what is or is not there. It returns what was read.
var every = map[string]func(context.Context, *store.Store, things) (any, error){
	"WorkspaceByName": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.WorkspaceByName(c, x.name)
	},
	"WorkspaceByID": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.WorkspaceByID(c, x.workspaceID)
	},
	"CreateWorkspace": func(c context.Context, s *store.Store, x things) (any, error) {
		w := workspace.Workspace{ID: id.New(now), Name: "new" + x.name}
		return s.CreateWorkspace(c, w, nil, nil, []policy.Trust{x.trust}, x.event)
	},
	"Trust": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.Trust(c, x.workspaceID, x.trust.ID)
	},
	"Trusts": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.Trusts(c, x.workspaceID, "", 0)
	},
	"TrustsByIssuer": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.TrustsByIssuer(c, x.workspaceID, x.trust.Issuer)
	},
	"TrustsTouchedBy": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.TrustsTouchedBy(c, x.workspaceID, x.trust.CreatedBy, 0)
	},
	"Issuers": func(c context.Context, s *store.Store, x things) (any, error) { return s.Issuers(c, x.workspaceID) },
	"LongestDuration": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.LongestDuration(c, x.workspaceID)
	},
	"Authority": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.Authority(c, x.workspaceID, x.trust.ID)
	},
	"CreateTrust": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.CreateTrust(c, x.trust, x.event)
	},
	"UpdateTrust": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.UpdateTrust(c, x.trust, x.trust.Revision, x.event)
	},
	"DeleteTrust": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.DeleteTrust(c, x.workspaceID, x.trust.ID, 0, x.event)
	},
	"User": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.User(c, x.workspaceID, x.user.ID)
	},
	"Users": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.Users(c, x.workspaceID, "", 0)
	},
	"CreateUser": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.CreateUser(c, x.user, x.event)
	},
	"Keys": func(c context.Context, s *store.Store, x things) (any, error) { return s.Keys(c, x.workspaceID) },
	"AddKey": func(c context.Context, s *store.Store, x things) (any, error) {
		next := key(x.workspaceID, jwt.ES256, now)
		return nil, s.AddKey(c, next, []keys.Stored{x.key}, x.event)
	},
	"DeleteKey": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.DeleteKey(c, x.workspaceID, x.key.ID, x.event)
	},
	"Append": func(c context.Context, s *store.Store, x things) (any, error) {
		x.event.Generation = 1 << 40 // no workspace's
		outcomes, err := s.Append(c, []audit.Entry{x.event})
		if err == nil && outcomes[0].Verdict == audit.Moved {
			return nil, nil
		}
		return outcomes, err
	},
	"Search": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.Search(c, audit.Query{WorkspaceID: x.workspaceID})
	},
	"Count": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.Count(c, audit.Query{WorkspaceID: x.workspaceID})
	},

	"CutOff": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.CutOff(c, x.workspaceID, x.cutOff.ID)
	},
	"CutOffs": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.CutOffs(c, x.workspaceID, "", now, 0)
	},
	"CutOffOf": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.CutOffOf(c, x.workspaceID, x.cutOff.Kind, x.cutOff.Value)
	},
	"Cuts": func(c context.Context, s *store.Store, x things) (any, error) {
		cuts, err := s.Cuts(c, x.workspaceID)
		return len(cuts.Subjects) + len(cuts.Issuers), err
	},
	"TokenCut": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.TokenCut(c, x.workspaceID, x.cutOff.Value)
	},
	"CreateCutOff": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.CreateCutOff(c, x.cutOff, x.event)
	},
	"DeleteCutOff": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.DeleteCutOff(c, x.workspaceID, x.cutOff.ID, x.event)
	},

	"Answer": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.Answer(c, x.workspaceID, answer("key "+x.cutOff.ID, "").Key, now)
	},

	"LogHead": func(c context.Context, s *store.Store, x things) (any, error) { return s.LogHead(c, x.workspaceID) },
	"LogEntries": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.LogEntries(c, x.workspaceID, 0, 0, 0)
	},
	"LogHashes": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.LogHashes(c, x.workspaceID, []int64{0})
	},
	"LogKey": func(c context.Context, s *store.Store, x things) (any, error) { return s.LogKey(c, x.workspaceID) },
	"CreateLogKey": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.CreateLogKey(c, keys.LogKey{WorkspaceID: x.workspaceID})
	},
	"KeepCheckpoints": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.KeepCheckpoints(c, []audit.LogHead{{WorkspaceID: x.workspaceID, Checkpoint: "\x00"}})
	},
	"Unpublished": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.Unpublished(c, audit.Unpublished{Place: x.lease, Limit: 1})
	},
	"Cosignatures": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.Cosignatures(c, x.workspaceID)
	},
	"KeepCosignature": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.KeepCosignature(c, audit.Cosignature{WorkspaceID: x.workspaceID, Witness: x.lease, Size: 1})
	},
	"KeepPublications": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.KeepPublications(c, x.lease, []audit.LogHead{{WorkspaceID: "none"}})
	},
	"EraseEvents": func(c context.Context, s *store.Store, _ things) (any, error) {
		return s.EraseEvents(c, now.Add(-time.Hour), 1)
	},
	"UnsignedLogs": func(c context.Context, s *store.Store, _ things) (any, error) { return s.UnsignedLogs(c, 1) },
	"AddRefusals": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.AddRefusals(c, []refusal.Refusal{refused(x.workspaceID, now, true)})
	},
	"Refusal": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.Refusal(c, x.workspaceID, x.refusal)
	},
	"VerifiedRefusals": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.VerifiedRefusals(c, x.workspaceID, time.Time{}, time.Time{})
	},

	"Installation": func(c context.Context, s *store.Store, _ things) (any, error) { return s.Installation(c) },
	"WholeSince":   func(c context.Context, s *store.Store, _ things) (any, error) { return s.WholeSince(c) },
	"CreateInstallation": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.CreateInstallation(c, store.Installation{BaseURL: x.name})
	},
	"Workspaces":  func(c context.Context, s *store.Store, x things) (any, error) { return s.Workspaces(c, x.name, 0) },
	"Generations": func(c context.Context, s *store.Store, _ things) (any, error) { return s.Generations(c, 0) },
	"RotationDue": func(c context.Context, s *store.Store, _ things) (any, error) { return s.RotationDue(c, now, 1) },
	"KeysGone":    func(c context.Context, s *store.Store, _ things) (any, error) { return s.KeysGone(c, now, 1) },
	"Export":      func(c context.Context, s *store.Store, _ things) (any, error) { return s.Export(c, io.Discard) },
	"Import": func(c context.Context, s *store.Store, _ things) (any, error) {
		return s.Import(c, strings.NewReader(""), anybody, arrived)
	},
	"Restore": func(c context.Context, s *store.Store, _ things) (any, error) {
		return s.Restore(c, func(workspaceID string, alg jwt.Algorithm) (keys.Stored, error) {
			return key(workspaceID, alg, now), nil
		}, begun)
	},
	"EachEvent": func(c context.Context, s *store.Store, x things) (any, error) {
		var found []audit.Entry
		err := s.EachEvent(c, x.workspaceID, func(e audit.Entry) error {
			found = append(found, e)
			return nil
		})
		return found, err
	},
	"RefusalsWhere": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.RefusalsWhere(c, x.workspaceID, func(refusal.Refusal) bool { return true })
	},
	"DeleteRefusals": func(c context.Context, s *store.Store, _ things) (any, error) {
		return nil, s.DeleteRefusals(c, nil)
	},
	"EraseOf": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.EraseOf(c, x.workspaceID, func(audit.Entry) bool { return false }, func(int) audit.Entry { return x.event })
	},
	"Reseal": func(c context.Context, s *store.Store, _ things) (any, error) {
		return nil, s.Reseal(c, store.Resealing{
			Key:    func(k keys.Stored) ([]byte, error) { return k.Sealed, nil },
			LogKey: func(k keys.LogKey) ([]byte, error) { return k.Sealed, nil },
		}, nil)
	},
	"Pending":      func(c context.Context, s *store.Store, _ things) (any, error) { return s.Pending(c) },
	"SweepCutOffs": func(c context.Context, s *store.Store, _ things) (any, error) { return s.SweepCutOffs(c, now, 1) },
	"CreateOpaque": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.CreateOpaque(c, x.workspaceID, []byte(x.event.ID), []byte("{}"), now)
	},
	"Opaque":      func(c context.Context, s *store.Store, _ things) (any, error) { return s.Opaque(c, []byte("unknown")) },
	"SweepOpaque": func(c context.Context, s *store.Store, _ things) (any, error) { return s.SweepOpaque(c, now, 1) },
	"Revocable": func(c context.Context, s *store.Store, _ things) (any, error) {
		return s.Revocable(c, []byte("unknown"))
	},
	"RevocableByID": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.RevocableByID(c, x.workspaceID, x.revocable.ID)
	},
	"Revocables": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.Revocables(c, x.workspaceID, "", 0)
	},
	"CreateRevocable": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.CreateRevocable(c, x.revocable, x.event)
	},
	"RefreshRevocable": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.RefreshRevocable(c, x.revocable, x.event)
	},
	"DeleteRevocable": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.DeleteRevocable(c, x.workspaceID, x.revocable.ID, x.event)
	},
	"SweepAnswers": func(c context.Context, s *store.Store, _ things) (any, error) { return s.SweepAnswers(c, now, 1) },
	"Sequence":     func(c context.Context, s *store.Store, _ things) (any, error) { return s.Sequence(c, 1) },
	"SweepUses":    func(c context.Context, s *store.Store, _ things) (any, error) { return s.SweepUses(c, now, 1) },
	"AcquireLease": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.AcquireLease(c, x.lease, "holder", time.Hour)
	},
	"ReleaseLease": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.ReleaseLease(c, x.lease, "holder")
	},
	"CountRefusals": func(c context.Context, s *store.Store, _ things) (any, error) { return s.CountRefusals(c) },
	"SweepRefusals": func(c context.Context, s *store.Store, _ things) (any, error) { return s.SweepRefusals(c, now, 1) },
}

// wholeInstallation are the methods that are about no one workspace, and whether they take text.
var wholeInstallation = map[string]bool{
	"Installation": false, "WholeSince": false, "CreateInstallation": true, "Workspaces": true, "Generations": false, "RotationDue": false, "KeysGone": false,
	"Export": false, "Import": false, "Reseal": false, "Restore": false, "DeleteRefusals": false, "Pending": false, "Sequence": false,
	"SweepUses": false, "SweepCutOffs": false, "SweepAnswers": false, "SweepOpaque": false, "Opaque": false,
	"Revocable": false, "UnsignedLogs": false, "AcquireLease": true, "ReleaseLease": true,
	"Unpublished": true, "KeepPublications": true, "EraseEvents": false, "CountRefusals": false, "SweepRefusals": false,
}
