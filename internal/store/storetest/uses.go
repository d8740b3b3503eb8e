package storetest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/store"
)

var uses = map[string]func(*lab){
	"rule 16: a single use is consumed once, and the later ones learn how": func(l *lab) {
		first := l.using(once("issuer", "jti"))
		first.Use.RetryKey, first.Use.Payload = []byte("retry key"), []byte("payload")
		l.appends(first, audit.Committed)
		later := l.using(once("issuer", "jti"))
		later.Time = now.Add(time.Minute)
		outcomes, err := l.Append(l.ctx, []audit.Entry{later})
		l.must(err)
		equal(l, outcomes, []audit.Outcome{
			{Verdict: audit.Used, FirstRetryKey: []byte("retry key"), FirstPayload: []byte("payload"), FirstAt: now},
		})
		equal(l, l.recorded(l.one), []string{first.ID})
	},

	"rule 16: a first use without a retry key has none": func(l *lab) {
		l.appends(l.using(once("issuer", "jti")), audit.Committed)
		outcome := l.appends(l.using(once("issuer", "jti")), audit.Used)
		if outcome.FirstRetryKey != nil {
			l.Fatal("a retry key from nowhere")
		}
	},

	"rule 16: the key is workspace, issuer and jti": func(l *lab) {
		l.appends(l.using(once("issuer", "jti")), audit.Committed)
		for _, u := range []*audit.Use{once("issuer2", "jti"), once("issuer", "jti2"), once("issuerj", "ti"), once("", "issuerjti")} {
			l.appends(l.using(u), audit.Committed)
		}
		other := l.issued(l.two)
		other.Use = once("issuer", "jti")
		l.appends(other, audit.Committed)
	},

	"rule 16: of one batch the first wins": func(l *lab) {
		batch := []audit.Entry{
			l.using(once("b", "1")), l.using(once("a", "1")), l.using(once("b", "1")), l.issued(l.one),
			l.using(once("a", "1")), l.using(once("c", "1")),
		}
		batch[0].Use.Payload = []byte("first")
		outcomes, err := l.Append(l.ctx, batch)
		l.must(err)
		equal(l, verdicts(outcomes), []audit.Verdict{
			audit.Committed, audit.Committed, audit.Used, audit.Committed, audit.Used, audit.Committed,
		})
		equal(l, string(outcomes[2].FirstPayload), "first")
		equal(l, l.sequence(), 4)
	},

	"rule 16: a use is consumed only on success": func(l *lab) {
		moved, next := l.using(once("issuer", "jti")), l.using(once("issuer", "jti"))
		moved.Generation++
		outcomes, err := l.Append(l.ctx, []audit.Entry{moved, next})
		l.must(err)
		equal(l, verdicts(outcomes), []audit.Verdict{audit.Moved, audit.Committed})
	},

	"rule 16: one of a stranger's tokens does not fail the others": func(l *lab) {
		strange := []string{"with \x00", "with \xff", strings.Repeat("long", 4000), "~", "\x00", strings.Repeat("é", 3000)}
		for _, tokenID := range strange {
			e := l.using(once("issuer", tokenID))
			e.TokenID, e.Subject = tokenID, tokenID
			e.Trusts = []string{tokenID}
			outcomes, err := l.Append(l.ctx, []audit.Entry{e, l.issued(l.one)})
			l.must(err)
			equal(l, verdicts(outcomes), []audit.Verdict{audit.Committed, audit.Committed})
			l.appends(l.using(once("issuer", tokenID)), audit.Used)
		}
		for range 2 {
			for _, text := range strange {
				for _, q := range []audit.Query{{TokenID: text}, {Subject: text}, {Trust: text}} {
					q.WorkspaceID = l.one.ID
					n, err := l.Count(l.ctx, q)
					l.must(err)
					equal(l, n, 1)
				}
			}
			l.sequence()
		}
	},

	"SecurityReplay: of concurrent uses on two nodes exactly one wins, and none waits for ever": func(l *lab) {
		const rounds, batches, size = 5, 8, 20
		nodes := [2]*store.Store{l.Store, l.node()}
		for round := range rounds {
			var wins [size]atomic.Int64
			var racing sync.WaitGroup
			for i := range batches {
				racing.Go(func() {
					order, batch := l.racers(round, size, i%2 == 1)
					outcomes, err := nodes[i%2].Append(l.ctx, batch)
					if err != nil {
						l.Error(err)
						return
					}
					for at, o := range outcomes {
						if o.Verdict == audit.Committed {
							wins[order[at]].Add(1)
						}
					}
				})
			}
			racing.Wait()
			for i := range wins {
				if n := wins[i].Load(); n != 1 {
					l.Fatalf("token %d was used %d times", i, n)
				}
			}
		}
	},

	"uses are swept when their tokens have expired": func(l *lab) {
		for i := range 5 {
			u := once("issuer", fmt.Sprint(i))
			u.ExpiresAt = now.Add(time.Duration(i) * time.Hour)
			l.appends(l.using(u), audit.Committed)
		}
		for _, step := range []struct {
			at    time.Duration
			limit int
			want  int
		}{{0, 10, 0}, {3 * time.Hour, 2, 2}, {3 * time.Hour, 2, 1}, {3 * time.Hour, 2, 0}} {
			n, err := l.SweepUses(l.ctx, now.Add(step.at), step.limit)
			l.must(err)
			equal(l, n, step.want)
		}
		l.appends(l.using(once("issuer", "0")), audit.Committed)
		l.appends(l.using(once("issuer", "3")), audit.Used)
	},
}

func once(issuer, tokenID string) *audit.Use {
	return &audit.Use{Issuer: issuer, TokenID: tokenID, ExpiresAt: now.Add(time.Hour)}
}

// using returns the event of a token that consumes a single use.
func (l *lab) using(u *audit.Use) audit.Entry {
	e := l.issued(l.one)
	e.Use = u
	return e
}

// racers returns entries that use the tokens of a round, in one order or the other, and that order.
func (l *lab) racers(round, size int, reverse bool) (order []int, batch []audit.Entry) {
	for i := range size {
		order = append(order, i)
	}
	if reverse {
		slices.Reverse(order)
	}
	for _, i := range order {
		batch = append(batch, l.using(once(fmt.Sprint(round), fmt.Sprint(i))))
	}
	return order, batch
}

// appends records one entry and checks what became of it.
func (l *lab) appends(e audit.Entry, want audit.Verdict) audit.Outcome {
	l.Helper()
	outcomes, err := l.Append(l.ctx, []audit.Entry{e})
	l.must(err)
	equal(l, verdicts(outcomes), []audit.Verdict{want})
	return outcomes[0]
}
