package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/evidence"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// Publication is a place that checkpoints are published to: a file, a webhook or a witness.
type Publication struct {
	File       string   `yaml:"file"`
	Webhook    string   `yaml:"webhook"`
	Witness    string   `yaml:"witness"`
	WitnessKey string   `yaml:"witness_key"`
	Workspaces []string `yaml:"workspaces"` // whose logs go there; none is all
}

// String names the place, without what may be secret in it. A witness is its key, wherever it is reached.
func (p Publication) String() string {
	switch {
	case p.Witness != "" || p.WitnessKey != "":
		key, _ := evidence.ParseWitnessKey(p.WitnessKey) // check has parsed it before
		return "witness " + key.ID()
	case p.Webhook == "":
		return "file " + p.File
	}
	host := p.Webhook
	if u, err := url.Parse(p.Webhook); err == nil {
		host = u.Scheme + "://" + u.Host
	}
	sum := sha256.Sum256([]byte(p.Webhook))
	return "webhook " + host + " (" + hex.EncodeToString(sum[:4]) + ")"
}

func (p Publication) check(dev bool) error {
	for i, name := range p.Workspaces {
		if workspace.CheckName(name) != nil {
			return fmt.Errorf("workspaces[%d]: %q is not a workspace's name", i, name)
		}
	}
	kinds := 0
	for _, place := range []string{p.File, p.Webhook, p.Witness} {
		if place != "" {
			kinds++
		}
	}
	switch {
	case p.WitnessKey != "" && p.Witness == "":
		return errors.New("witness_key needs witness, the URL at which the witness takes checkpoints")
	case kinds != 1:
		return errors.New("needs one of file, webhook and witness")
	case p.File != "" && !filepath.IsAbs(p.File):
		return fmt.Errorf("file %q must be an absolute path", p.File)
	case p.Webhook != "" && !isPlace(p.Webhook, dev):
		return errors.New("webhook must be a URL like https://example.com/checkpoints")
	case p.Witness != "":
		return p.checkWitness(dev)
	}
	return nil
}

func (p Publication) checkWitness(dev bool) error {
	if !isPlace(p.Witness, dev) || strings.Contains(p.Witness, "?") {
		return errors.New("witness must be a URL like https://witness.example.com, to which /add-checkpoint is added")
	}
	if p.WitnessKey == "" {
		return errors.New("witness needs witness_key, the witness's verifier key: what it says is not believed without")
	}
	if _, err := evidence.ParseWitnessKey(p.WitnessKey); err != nil {
		return fmt.Errorf("witness_key %q %w", p.WitnessKey, err)
	}
	return nil
}

// isPlace reports whether a text is a URL that checkpoints may be sent to.
func isPlace(text string, dev bool) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && u.User == nil && u.Fragment == "" && (u.Scheme == "https" || dev && u.Scheme == "http")
}

func (c Config) checkPublications() error {
	named := map[string]bool{}
	for i, p := range c.Checkpoints {
		if err := p.check(c.Dev); err != nil {
			return fmt.Errorf("checkpoints[%d]: %w", i, err)
		}
		if named[p.String()] { // as one place it has one lease, and one size of each log
			return fmt.Errorf("checkpoints[%d]: %s is named twice", i, p)
		}
		named[p.String()] = true
	}
	if c.CheckpointEvery < leastCheckpointEvery {
		return fmt.Errorf("checkpoint_every: %s is too short; a log has at most one checkpoint a second", c.CheckpointEvery)
	}
	return nil
}

// publishers returns one publisher for each place of the configuration.
func (p *parts) publishers(c Config, log *slog.Logger) []*audit.Publisher {
	var list []*audit.Publisher
	for _, place := range c.Checkpoints {
		list = append(list, &audit.Publisher{
			Place: c.place(place, p.store), Workspaces: place.Workspaces, Publications: p.store, Every: c.CheckpointEvery, Meter: p.metrics, Log: log,
		})
	}
	return list
}

func (c Config) place(p Publication, logs witnessedLogs) audit.Place {
	switch {
	case p.Witness != "":
		key, _ := evidence.ParseWitnessKey(p.WitnessKey) // Check has parsed it before
		return witness{p, key, c.outbound(p.Witness), logs}
	case p.Webhook != "":
		return webhook{p, c.outbound(p.Webhook)}
	}
	return checkpointFile{p}
}

// outbound returns a client for a place, by the one dialer (rule 35).
func (c Config) outbound(address string) *http.Client {
	exceptions, _ := c.exceptions() // Check has parsed them before
	options := identity.Options{AllowLoopback: c.Dev, Exceptions: exceptions}
	return identity.Client(options, workspace.SystemName, strings.HasPrefix(address, "http:"))
}

// checkpointFile is a file that checkpoints are appended to, with an empty line after each.
type checkpointFile struct{ Publication }

// Kind says that it is a file.
func (checkpointFile) Kind() string { return "file" }

// Name is its path.
func (f checkpointFile) Name() string { return f.String() }

// Publish appends the checkpoint, and returns once it survives a power cut.
func (f checkpointFile) Publish(_ context.Context, h audit.LogHead) error {
	file, err := os.OpenFile(f.File, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	_, err = file.WriteString(h.Checkpoint + "\n")
	return errors.Join(err, file.Sync(), file.Close())
}

// webhook is a URL that each checkpoint is posted to, as text.
type webhook struct {
	Publication
	client *http.Client
}

// Kind says that it is a webhook.
func (webhook) Kind() string { return "webhook" }

// Name is its host.
func (w webhook) Name() string { return w.String() }

const largestReply = 64 << 10 // bytes that are read of an answer, so that the connection ends well

// Publish posts the checkpoint. Any success will do as an answer.
func (w webhook) Publish(ctx context.Context, h audit.LogHead) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.Webhook, strings.NewReader(h.Checkpoint))
	if err != nil {
		return errors.New("the webhook's URL cannot be used")
	}
	request.Header.Set("Content-Type", "text/plain; charset=utf-8")
	request.Header.Set("User-Agent", "nsc")
	response, err := w.client.Do(request)
	if err != nil {
		return withoutURL(err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, largestReply))
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("the webhook answered %s", response.Status)
	}
	return nil
}

// withoutURL returns why a call failed. The text around it has the URL, and that may be a secret.
func withoutURL(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}
