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
	// Kind says what sort of place it is: file or webhook.
	Kind() string
	// Name tells it from the others, in the database and in the log. There is no secret in it.
	Name() string
	// Publish returns once the place has the checkpoint.
	Publish(ctx context.Context, h LogHead) error
}

// Publications is what a publisher needs of the store.
type Publications interface {
	AcquireLease(ctx context.Context, name, holder string, ttl time.Duration) (bool, error)
	// Unpublished returns logs whose newest checkpoint a place does not have.
	Unpublished(ctx context.Context, place string, limit int) ([]LogHead, error)
	// KeepPublications notes which checkpoints a place has.
	KeepPublications(ctx context.Context, place string, list []LogHead) error
}

// PublicationMeter is told how publishing goes.
type PublicationMeter interface {
	CheckpointPublished(kind string, err error)
}

const (
	publishTime  = 10 * time.Second // for one checkpoint
	publishBatch = 20               // between two looks at the lease
	publishLease = time.Duration(publishBatch+1) * publishTime
	publishRests = 5 * time.Minute // the longest between two attempts while they fail
)

// Publisher brings the newest checkpoints of all logs to one place, each log's at most once in an interval. It never holds
// up anything else: what a place misses while it cannot be reached, a later checkpoint covers.
type Publisher struct {
	Place        Place
	Publications Publications
	Every        time.Duration
	Meter        PublicationMeter
	Log          *slog.Logger
}

// Run publishes until the context ends. Any number of nodes may run it; the one that holds the place's lease works.
func (p *Publisher) Run(ctx context.Context) {
	holder := id.New(time.Now())
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

// turn publishes all that the place does not have yet. A log that fails does not keep the others from being published.
func (p *Publisher) turn(ctx context.Context, holder string) error {
	for {
		list, err := p.Publications.Unpublished(ctx, p.Place.Name(), publishBatch)
		if err != nil || len(list) == 0 {
			return err
		}
		held, err := p.Publications.AcquireLease(ctx, "publish "+p.Place.Name(), holder, publishLease)
		if err != nil || !held {
			return err
		}
		if err := p.publish(ctx, list); err != nil || len(list) < publishBatch {
			return err
		}
	}
}

func (p *Publisher) publish(ctx context.Context, list []LogHead) error {
	var published []LogHead
	var failures []error
	for _, h := range list {
		err := p.one(ctx, h)
		p.Meter.CheckpointPublished(p.Place.Kind(), err)
		if err != nil {
			failures = append(failures, fmt.Errorf("log of %s: %w", h.Workspace, err))
			continue
		}
		published = append(published, h)
	}
	if len(published) > 0 {
		failures = append(failures, p.Publications.KeepPublications(ctx, p.Place.Name(), published))
	}
	return errors.Join(failures...)
}

func (p *Publisher) one(ctx context.Context, h LogHead) error {
	ctx, cancel := context.WithTimeout(ctx, publishTime)
	defer cancel()
	return p.Place.Publish(ctx, h)
}
