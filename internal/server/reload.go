package server

import (
	"context"
	"os"
	"os/signal"
	"reflect"
	"syscall"
)

// reloadOnHangup reads the configuration again at every SIGHUP, until the context ends.
func (n *node) reloadOnHangup(ctx context.Context) {
	if n.config.Reload == nil {
		return
	}
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			n.reload()
		}
	}
}

// reload applies what may change while the server runs: rate limits, trusted proxies, and who may read checkpoints. It names what waits for the next
// start, and applies nothing of a configuration that is wrong.
func (n *node) reload() {
	c, err := n.config.Reload()
	if err == nil {
		err = c.Check()
	}
	if err != nil {
		n.log.Error("the configuration is wrong and nothing of it was applied", "error", err)
		return
	}
	n.serveWith(c)
	n.log.Info("the configuration was read again", "after_the_next_start", waits(n.config, c))
}

// waits returns the keys that differ and are read at the start alone.
func waits(running, read Config) []string {
	applied := map[string]bool{"rate_limit_per_address": true, "rate_limit_per_workspace": true, "trusted_proxies": true, "public_checkpoints": true, "-": true}
	var names []string
	a, b := reflect.ValueOf(running), reflect.ValueOf(read)
	for i := range a.NumField() {
		name := a.Type().Field(i).Tag.Get("yaml")
		if !applied[name] && !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			names = append(names, name)
		}
	}
	return names
}
