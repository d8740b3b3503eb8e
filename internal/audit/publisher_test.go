package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// outside is a place, and what the store knows of it.
type outside struct {
	mu       sync.Mutex
	heads    []LogHead
	has      map[string]int64 // sizes by workspace
	got      []string
	attempts int
	failing  map[string]error // by workspace
	hangs    bool
	holder   string
	failed   int
	classes  []string // of what was declined
}

func (o *outside) Kind() string { return "file" }
func (o *outside) Name() string { return "place" }

func (o *outside) Publish(ctx context.Context, h LogHead) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.attempts++
	if o.hangs {
		o.mu.Unlock()
		<-ctx.Done()
		o.mu.Lock()
		return ctx.Err()
	}
	if err := o.failing[h.Workspace]; err != nil {
		return err
	}
	o.got = append(o.got, fmt.Sprint(h.Workspace, " ", h.SignedSize))
	return nil
}

func (o *outside) AcquireLease(_ context.Context, _, holder string, _ time.Duration) (bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.holder == "" {
		o.holder = holder
	}
	return o.holder == holder, nil
}

func (o *outside) ReleaseLease(_ context.Context, _, holder string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.holder == holder {
		o.holder = ""
	}
	return nil
}

func (o *outside) Unpublished(_ context.Context, q Unpublished) (list []LogHead, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	slices.SortFunc(o.heads, func(a, b LogHead) int { return strings.Compare(a.WorkspaceID, b.WorkspaceID) })
	for _, h := range o.heads {
		if h.SignedSize > o.has[h.Workspace] && h.WorkspaceID > q.After && len(list) < q.Limit {
			list = append(list, h)
		}
	}
	return list, nil
}

func (o *outside) KeepPublications(_ context.Context, _ string, list []LogHead) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, h := range list {
		o.has[h.Workspace] = h.SignedSize
	}
	return nil
}

func (o *outside) CheckpointPublished(_ string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err != nil {
		o.failed++
	}
}

func (o *outside) WitnessFailed(class string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.classes = append(o.classes, class)
}

// sign has a log's newest checkpoint be of a size.
func (o *outside) sign(workspace string, size int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.heads = slices.DeleteFunc(o.heads, func(h LogHead) bool { return h.Workspace == workspace })
	o.heads = append(o.heads, LogHead{WorkspaceID: workspace, Workspace: workspace, SignedSize: size})
}

func (o *outside) set(change func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change()
}

func (o *outside) published() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Sorted(slices.Values(o.got))
}

func (o *outside) run(t *testing.T, nodes int) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for range nodes {
		p := &Publisher{Place: o, Publications: o, Every: 10 * time.Second, Meter: o, Log: quiet}
		running.Go(func() { p.Run(ctx) })
	}
	return func() {
		cancel()
		running.Wait()
	}
}

func newOutside() *outside { return &outside{has: map[string]int64{}, failing: map[string]error{}} }

func TestRule27APlaceGetsTheNewestCheckpointOncePerInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutside()
		defer o.run(t, 2)()
		o.sign("b", 7)
		for size := range int64(25) { // a checkpoint a second
			o.sign("a", size+1)
			<-time.After(time.Second)
		}
		<-time.After(time.Minute)
		got := o.published()
		if len(got) != 4 || !slices.Contains(got, "b 7") || !slices.Contains(got, "a 25") {
			t.Errorf("%q", got)
		}
	})
}

func TestRule27APlaceThatFailsIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutside()
		o.failing["a"] = errors.New("no")
		o.sign("a", 1)
		o.sign("b", 1)
		defer o.run(t, 1)()
		<-time.After(time.Hour)
		if got := o.published(); !slices.Equal(got, []string{"b 1"}) {
			t.Errorf("one log's failure kept another from being published: %q", got)
		}
		o.set(func() {
			if o.attempts < 10 || o.attempts > 25 || o.failed != o.attempts-1 {
				t.Errorf("%d attempts in an hour, %d failed", o.attempts, o.failed)
			}
			o.failing["a"] = nil
		})
		<-time.After(publishRests + time.Second)
		if got := o.published(); !slices.Equal(got, []string{"a 1", "b 1"}) {
			t.Errorf("%q", got)
		}
	})
}

func TestRule27APlaceThatHangsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutside()
		o.hangs = true
		o.sign("a", 1)
		defer o.run(t, 1)()
		<-time.After(time.Minute)
		o.set(func() {
			if o.failed == 0 {
				t.Error("it is still waited for")
			}
			o.hangs = false
		})
		<-time.After(time.Minute + publishTime)
		if got := o.published(); len(got) != 1 {
			t.Errorf("%q", got)
		}
	})
}

// Many logs are published in parts, each under a lease that lasts for it.
func TestRule27ManyLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutside()
		for i := range int64(3*publishBatch + 1) {
			o.sign(fmt.Sprint("w", i), i+1)
		}
		defer o.run(t, 1)()
		<-time.After(11 * time.Second)
		if got := o.published(); len(got) != 3*publishBatch+1 {
			t.Errorf("%d", len(got))
		}
	})
}

// A witness knows some logs and not others. Those that it does not know rest, each by itself, however many they are.
func TestRule27ALogThatIsDeclinedRestsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutside()
		for i := range 2 * publishBatch {
			name := fmt.Sprintf("a%02d", i)
			o.failing[name] = &Declined{UnknownLog, errors.New("404")}
			o.sign(name, 1)
		}
		defer o.run(t, 1)()
		o.sign("b", 1)
		<-time.After(11 * time.Second)
		if got := o.published(); !slices.Equal(got, []string{"b 1"}) {
			t.Errorf("%q", got)
		}
		o.set(func() {
			if o.attempts != 2*publishBatch+1 || len(o.classes) != 2*publishBatch || o.classes[0] != string(UnknownLog) {
				t.Errorf("%d attempts, of which %d were declined", o.attempts, len(o.classes))
			}
		})
		o.sign("b", 2) // which is not held up
		<-time.After(10 * time.Second)
		if got := o.published(); !slices.Contains(got, "b 2") {
			t.Errorf("%q", got)
		}
		<-time.After(time.Hour)
		o.set(func() {
			if perLog := (o.attempts - 2) / (2 * publishBatch); perLog < 12 || perLog > 20 {
				t.Errorf("%d attempts for each log in an hour", perLog)
			}
			clear(o.failing)
		})
		<-time.After(publishRests + 11*time.Second)
		if got := o.published(); len(got) != 2*publishBatch+2 {
			t.Errorf("%d", len(got))
		}
	})
}

func TestRule27APlaceThatIsDownRestsWithAllItsLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutside()
		for i := range 2 * publishBatch {
			name := fmt.Sprintf("a%02d", i)
			o.failing[name] = &Declined{Unavailable, errors.New("503")}
			o.sign(name, 1)
		}
		defer o.run(t, 1)()
		<-time.After(11 * time.Second)
		o.set(func() {
			if o.attempts != publishBatch {
				t.Errorf("%d attempts", o.attempts)
			}
		})
	})
}

// Otherwise nobody publishes for minutes after a server was started again.
func TestRule27ANodeThatStopsLetsAnotherPublish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutside()
		o.sign("a", 1)
		stop := o.run(t, 1)
		<-time.After(11 * time.Second)
		stop()
		o.sign("a", 2)
		defer o.run(t, 1)()
		<-time.After(11 * time.Second)
		if got := o.published(); !slices.Contains(got, "a 2") {
			t.Errorf("%q", got)
		}
	})
}
