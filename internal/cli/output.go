package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/nsc-federation/nsc/internal/failure"
)

// The formats of what is printed.
const (
	formatText = "text"
	formatJSON = "json"
)

// output is standard output. It remembers what could not be written, so that no command has to: a script that went on
// without the data that it asked for would do so by the exit status alone.
type output struct {
	to     io.Writer
	failed error // the first failure
}

// Write writes until once it fails.
func (o *output) Write(data []byte) (int, error) {
	if o.failed != nil {
		return 0, o.failed
	}
	n, err := o.to.Write(data)
	o.failed = err
	return n, err
}

// orFailed returns how a command ended, which is a failure where its data was not written.
func (o *output) orFailed(err error) error {
	if o.failed == nil || err != nil && !errors.Is(err, o.failed) {
		return err
	}
	return failure.Wrap(failure.Failed, o.failed, "the output could not be written: "+o.failed.Error(),
		"what the command did is done; see that there is room where its output goes")
}

func (p *program) checkOutput() error {
	if p.flags.output == formatText || p.flags.output == formatJSON {
		return nil
	}
	sentence, _ := meant(p.flags.output, "", []string{formatText, formatJSON})
	return failure.Misuse(fmt.Sprintf("there is no output format %q%s", p.flags.output, sentence), "use -o text or -o json")
}

// print prints data: a value as JSON, or what text writes for people.
func (p *program) print(value any, text func(io.Writer)) error {
	if p.flags.output != formatJSON {
		text(p.stdout)
		return nil
	}
	encoder := json.NewEncoder(p.stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// table writes rows in aligned columns under a heading; without rows it writes nothing.
func table(w io.Writer, heading []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{heading}, rows...) {
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	t.Flush()
}

// field is a line of a description: a name and a value, left out where the value is empty.
type field struct{ name, value string }

// describe writes fields in two columns. A value of several lines stays in its column.
func describe(w io.Writer, fields []field) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range fields {
		if f.value == "" {
			continue
		}
		for i, line := range strings.Split(strings.TrimRight(f.value, "\n"), "\n") {
			name := f.name
			if i > 0 {
				name = ""
			}
			fmt.Fprintf(t, "%s\t%s\n", name, line)
		}
	}
	t.Flush()
}

// dash stands for nothing in a table.
func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// shown makes text that others wrote safe for a terminal: control characters, and those that are not seen or turn the
// direction of what follows, are written as escapes.
func shown(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) || r == unicode.ReplacementChar {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// oneLine joins the lines of a text that others wrote.
func oneLine(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, " ")
}

const longestShown = 300 // characters of one text in an explanation

// cut is shown for text that may be very long.
func cut(text string) string {
	if runes := []rune(text); len(runes) > longestShown {
		text = string(runes[:longestShown]) + "…"
	}
	return shown(text)
}
