package cli

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/server"
)

func (p *program) configCommand() *cobra.Command {
	return local(p.group("config", "Check a server's configuration",
		"A server is configured by a YAML file, by NSC_ environment variables and by flags, of which the later win. An empty file is a whole configuration.",
		"nsc config check --config /etc/nsc/config.yaml",
		p.configCheckCommand(),
	))
}

func (p *program) configCheckCommand() *cobra.Command {
	var f configFlags
	cmd := &cobra.Command{
		Use: "check", Short: "Check a configuration, and show what results from it", Args: noArguments,
		Example: `nsc config check --config /etc/nsc/config.yaml
NSC_BASE_URL=https://nsc.example.com nsc config check -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.checked(cmd, f)
			if err != nil {
				return err
			}
			p.say("the configuration is good")
			p.warnOfMissingFiles(c)
			return p.printConfig(c)
		},
	}
	f.bind(cmd)
	return cmd
}

// warnOfMissingFiles names the files of the configuration that are not there. That is no error: it may be checked on another
// machine than the server's, and a first start makes the master key.
func (p *program) warnOfMissingFiles(c server.Config) {
	for _, s := range settingsOf(c) {
		name, _ := s.value.(string)
		if !strings.HasSuffix(s.key, "_file") || name == "" {
			continue
		}
		if _, err := os.Stat(name); errors.Is(err, os.ErrNotExist) {
			p.warn("%s: there is no file %s on this machine", s.key, shown(name))
		}
	}
}

// setting is a configuration key with what results for it.
type setting struct {
	key   string
	value any // as JSON
}

// unset says what it means that a key has no value.
var unset = map[string]string{"base_url": "derived from listen", "otlp_endpoint": "none: nothing is traced"}

// settingsOf returns all keys in the order of the configuration. A secret among them needs its case here, as database has.
func settingsOf(c server.Config) []setting {
	v := reflect.ValueOf(c)
	var all []setting
	for i := range v.NumField() {
		key := v.Type().Field(i).Tag.Get("yaml")
		if key == "-" {
			continue
		}
		value := v.Field(i).Interface()
		switch of := value.(type) {
		case time.Duration:
			value = shortDuration(of)
		case []server.Reach:
			value = reaches(of)
		case []server.Publication:
			value = places(of)
		case []string:
			value = append([]string{}, of...) // none is an empty list, too
		}
		if key == "database" {
			value = database(c)
		}
		all = append(all, setting{key, value})
	}
	return all
}

func reaches(list []server.Reach) []string {
	lines := []string{}
	for _, r := range list {
		lines = append(lines, fmt.Sprintf("%s port %d for %s", r.CIDR, r.Port, r.Workspace))
	}
	return lines
}

func places(list []server.Publication) []string {
	lines := []string{}
	for _, p := range list {
		line := p.String()
		if len(p.Workspaces) > 0 {
			line += " for " + strings.Join(p.Workspaces, ", ")
		}
		lines = append(lines, line)
	}
	return lines
}

// text returns a setting as people read it; "" where there is nothing to say.
func (s setting) text() string {
	text := fmt.Sprint(s.value)
	if lines, ok := s.value.([]string); ok {
		text = strings.Join(lines, "\n")
	}
	return firstOf(text, unset[s.key])
}

func (p *program) printConfig(c server.Config) error {
	values := map[string]any{}
	var fields []field
	for _, s := range settingsOf(c) {
		values[s.key] = s.value
		fields = append(fields, field{s.key, s.text()})
	}
	return p.print(values, func(w io.Writer) { describe(w, fields) })
}

// database names the database without its password.
func database(c server.Config) string {
	switch {
	case c.DatabaseFile != "":
		return "PostgreSQL, by database_file"
	case c.Database == "":
		return "SQLite in data_dir"
	}
	u, err := url.Parse(c.Database)
	if err != nil {
		return "PostgreSQL"
	}
	u.RawQuery = "" // it may hold a password, too
	return u.Redacted()
}
