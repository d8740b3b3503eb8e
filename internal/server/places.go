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
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// Publication is a place that checkpoints are published to: a file or a webhook.
type Publication struct {
	File    string `yaml:"file"`
	Webhook string `yaml:"webhook"`
}

// String names the place, without what may be secret in it.
func (p Publication) String() string {
	if p.Webhook == "" {
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
	switch {
	case (p.File == "") == (p.Webhook == ""):
		return errors.New("needs either file or webhook")
	case p.File != "" && !filepath.IsAbs(p.File):
		return fmt.Errorf("file %q must be an absolute path", p.File)
	case p.File != "":
		return nil
	}
	u, err := url.Parse(p.Webhook)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && !(dev && u.Scheme == "http") {
		return errors.New("webhook must be a URL like https://example.com/checkpoints")
	}
	return nil
}

func (c Config) checkPublications() error {
	for i, p := range c.Checkpoints {
		if err := p.check(c.Dev); err != nil {
			return fmt.Errorf("checkpoints[%d]: %w", i, err)
		}
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
			Place: c.place(place), Publications: p.store, Every: c.CheckpointEvery, Meter: p.metrics, Log: log,
		})
	}
	return list
}

func (c Config) place(p Publication) audit.Place {
	if p.Webhook == "" {
		return checkpointFile{p}
	}
	exceptions, _ := c.exceptions() // Check has parsed them before
	options := identity.Options{AllowLoopback: c.Dev, Exceptions: exceptions}
	plain := strings.HasPrefix(p.Webhook, "http:")
	return webhook{p, identity.Client(options, workspace.SystemName, plain)}
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
		var failed *url.Error
		if errors.As(err, &failed) { // whose text has the URL, and that may be a secret
			err = failed.Err
		}
		return err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, largestReply))
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("the webhook answered %s", response.Status)
	}
	return nil
}
