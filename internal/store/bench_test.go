package store_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/store"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// cost is processor time of this process, which is the engine's too.
type cost struct{ user, system int64 } // nanoseconds

func spent(b *testing.B) cost {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return cost{u.Utime.Nano(), u.Stime.Nano()}
}

func (c cost) minus(d cost) cost { return cost{c.user - d.user, c.system - d.system} }

func (c cost) plus(d cost) cost { return cost{c.user + d.user, c.system + d.system} }

// report tells what an event costs: the user's part, and the kernel's, most of which is writing and fsync.
func (c cost) report(b *testing.B, events int) {
	b.ReportMetric(float64(c.user)/1e3/float64(events), "user-µs/event")
	b.ReportMetric(float64(c.system)/1e3/float64(events), "sys-µs/event")
}

func benchStore(b *testing.B) (*store.Store, workspace.Workspace) {
	s, err := store.Open(b.Context(), store.Options{SQLiteFile: filepath.Join(b.TempDir(), "nsc.db")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	if err := s.CreateInstallation(b.Context(), store.Installation{BaseURL: "http://127.0.0.1"}); err != nil {
		b.Fatal(err)
	}
	w, err := s.CreateWorkspace(b.Context(), workspace.Workspace{ID: id.New(time.Now()), Name: "bench"}, nil, nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	return s, w
}

func benchEntries(w workspace.Workspace, n int) []audit.Entry {
	now := time.Now()
	trust := id.New(now)
	entries := make([]audit.Entry, n)
	for i := range entries {
		event := id.New(now)
		entries[i] = audit.Entry{
			ID: event, WorkspaceID: w.ID, Generation: w.Generation, Time: now, Kind: audit.TokenIssued,
			Subject: "workspace/" + w.ID + "/external/aaaaaaaaaaaaaaaaaaaaaaaaaa/repo%3Aacme%2Fapi%3Aref%3Arefs%2Fheads%2Fmain",
			TokenID: event, Trusts: []string{trust}, Parents: []string{id.New(now)}, Body: bytes.Repeat([]byte("b"), 700),
		}
	}
	return entries
}

// BenchmarkAppend shows what the record costs per event, besides the disk's own time.
func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{1, 16, 64} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s, w := benchStore(b)
			entries := benchEntries(w, size)
			before := spent(b)
			for b.Loop() {
				if _, err := s.Append(b.Context(), entries); err != nil {
					b.Fatal(err)
				}
			}
			spent(b).minus(before).report(b, b.N*size)
		})
	}
}

// BenchmarkSequence shows what it costs to make the record searchable.
func BenchmarkSequence(b *testing.B) {
	const size = 16
	s, w := benchStore(b)
	var used cost
	events := 0
	for b.Loop() {
		b.StopTimer()
		for range 16 {
			if _, err := s.Append(b.Context(), benchEntries(w, size)); err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
		before := spent(b)
		n, err := s.Sequence(b.Context(), 64)
		if err != nil {
			b.Fatal(err)
		}
		used, events = used.plus(spent(b).minus(before)), events+n
	}
	used.report(b, events)
}

// BenchmarkTrustsByIssuer shows what a node reads anew of a large issuer after each change of the workspace.
func BenchmarkTrustsByIssuer(b *testing.B) {
	const many = 10000
	s, w := benchStore(b)
	now := time.Now()
	trusts := make([]policy.Trust, many)
	for i := range trusts {
		trusts[i] = policy.Trust{
			ID: id.New(now), WorkspaceID: w.ID, Issuer: "https://issuer.example.com", SubjectMatch: fmt.Sprintf("repo:acme/%d:*", i),
			Grants:          []identity.Permission{{ResourceType: "audience", ResourceID: "https://service.example.com", Actions: []string{"issue"}}},
			DefaultDuration: time.Minute, MaxDuration: time.Hour, MaxLifetime: time.Hour, Enabled: true,
			KeySource: identity.KeySource{Kind: identity.Discovery}, CreatedAt: now, UpdatedAt: now, Version: 1, Revision: 1,
		}
	}
	other := workspace.Workspace{ID: id.New(now), Name: "large"}
	for i := range trusts {
		trusts[i].WorkspaceID = other.ID
	}
	if _, err := s.CreateWorkspace(b.Context(), other, nil, nil, trusts); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		list, err := s.TrustsByIssuer(b.Context(), other.ID, "https://issuer.example.com")
		if err != nil || len(list) != many {
			b.Fatal(len(list), err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/many, "µs/trust")
}
