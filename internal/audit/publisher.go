package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nsc-federation/nsc/internal/id"
)

// Place is somewhere outside of the server that checkpoints go to (rule 27).
type Place interface {
	// Kind says what sort of place it is: file, webhook or witness.
	Kind() string
	// Name tells it from the others, in the database and in the log. There is no secret in it.
	Name() string
	// Publish returns once the place has the checkpoint. A Declined says that the place is well, and what it thinks of
	// this log.
	Publish(ctx context.Context, h LogHead) error
}

// Publications is what a publisher needs of the store.
type Publications interface {
	AcquireLease(ctx context.Context, name, holder string, ttl time.Duration) (bool, error)
	ReleaseLease(ctx context.Context, name, holder string) error
	// Unpublished returns logs whose newest checkpoint a place does not have.
	Unpublished(ctx context.Context, q Unpublished) ([]LogHead, error)
	// KeepPublications notes which checkpoints a place has.
	KeepPublications(ctx context.Context, place string, list []LogHead) error
}

// Unpublished asks for logs in the order of their workspaces' IDs.
type Unpublished struct {
	Place      string
	Workspaces []string // names; none is all
	After      string   // ID of the workspace to go on from
	Limit      int
}

// PublicationMeter is told how publishing goes.
type PublicationMeter interface {
	CheckpointPublished(kind string, err error)
	WitnessFailed(class string)
}

const (
	publishTime  = 10 * time.Second // for one checkpoint
	publishBatch = 20               // between two looks at the lease
	publishLease = time.Duration(publishBatch+1) * publishTime
	publishRests = 5 * time.Minute // the longest between two attempts while they fail
	releaseTime  = time.Second     // for giving the lease back at the end
)

// Publisher brings the newest checkpoints of all logs to one place, each log's at most once in an interval. It never holds
// up anything else: what a place misses while it cannot be reached, a later checkpoint covers.
type Publisher struct {
	Place        Place
	Workspaces   []string // whose logs are published there; none is all
	Publications Publications
	Every        time.Duration
	Meter        PublicationMeter
	Log          *slog.Logger

	held    bool            // whether the lease was ours at the last look
	resting map[string]rest // logs that the place declined, by workspace ID
}

// rest is how long a log is left alone.
type rest struct {
	until time.Time
	wait  time.Duration
}

// Run publishes until the context ends. Any number of nodes may run it; the one that holds the place's lease works.
func (p *Publisher) Run(ctx context.Context) {
	holder := id.New(time.Now())
	defer p.release(context.WithoutCancel(ctx), holder)
	wait := p.Every
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		if err := p.turn(ctx, holder); err == nil {
			wait = p.Every
		} else if ctx.Err() == nil {
			wait = min(2*wait, max(publishRests, p.Every))
			p.Log.Warn("checkpoints could not be published", "place", p.Place.Name(), "error", err, "next_try", wait)
		}
	}
}

// release lets another node work at once, or this one when it starts again.
func (p *Publisher) release(ctx context.Context, holder string) {
	if !p.held {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, releaseTime)
	defer cancel()
	_ = p.Publications.ReleaseLease(ctx, p.lease(), holder) // it ends by itself otherwise
}

func (p *Publisher) lease() string { return "publish " + p.Place.Name() }

// turn publishes all that the place does not have yet. A log that fails does not keep the others from being published.
func (p *Publisher) turn(ctx context.Context, holder string) error {
	q := Unpublished{Place: p.Place.Name(), Workspaces: p.Workspaces, Limit: publishBatch}
	for {
		list, err := p.Publications.Unpublished(ctx, q)
		if err != nil || len(list) == 0 {
			return err
		}
		if due := p.due(list); len(due) > 0 { // where there is nothing to do, no lease is written
			if p.held, err = p.Publications.AcquireLease(ctx, p.lease(), holder, publishLease); err != nil || !p.held {
				return err
			}
			if err := p.publish(ctx, due); err != nil {
				return err
			}
		}
		if len(list) < publishBatch {
			return nil
		}
		q.After = list[len(list)-1].WorkspaceID
	}
}

// due returns the logs that do not rest.
func (p *Publisher) due(list []LogHead) (due []LogHead) {
	for _, h := range list {
		if !time.Now().Before(p.resting[h.WorkspaceID].until) {
			due = append(due, h)
		}
	}
	return due
}

func (p *Publisher) publish(ctx context.Context, list []LogHead) error {
	var published []LogHead
	var failures []error
	for _, h := range list {
		err := p.one(ctx, h)
		p.count(err)
		var declined *Declined
		switch {
		case err == nil:
			published = append(published, h)
			delete(p.resting, h.WorkspaceID)
		case errors.As(err, &declined) && declined.OfLog():
			p.rest(h, declined)
		default:
			failures = append(failures, fmt.Errorf("log of %s: %w", h.Workspace, err))
		}
	}
	if len(published) > 0 {
		failures = append(failures, p.Publications.KeepPublications(ctx, p.Place.Name(), published))
	}
	return errors.Join(failures...)
}

func (p *Publisher) count(err error) {
	p.Meter.CheckpointPublished(p.Place.Kind(), err)
	var declined *Declined
	if errors.As(err, &declined) {
		p.Meter.WitnessFailed(string(declined.Class))
	}
}

// rest leaves a log alone that the place declined, longer each time, and says why: the others are published meanwhile.
func (p *Publisher) rest(h LogHead, why *Declined) {
	wait := min(2*max(p.resting[h.WorkspaceID].wait, p.Every), max(publishRests, p.Every))
	if p.resting == nil {
		p.resting = map[string]rest{}
	}
	p.resting[h.WorkspaceID] = rest{time.Now().Add(wait), wait}
	level := slog.LevelWarn
	if why.Alarms() {
		level = slog.LevelError
	}
	p.Log.Log(context.Background(), level, "a checkpoint was declined", "place", p.Place.Name(), "workspace", h.Workspace,
		"size", h.SignedSize, "class", string(why.Class), "error", why.Err, "next_try", wait)
}

func (p *Publisher) one(ctx context.Context, h LogHead) error {
	ctx, cancel := context.WithTimeout(ctx, publishTime)
	defer cancel()
	return p.Place.Publish(ctx, h)
}
