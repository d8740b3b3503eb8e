package reference

import (
	"fmt"
	"strings"
)

// Markdown returns a page as Markdown.
func (p *Page) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s.\n", p.Name, p.Short)
	if p.Long != "" {
		fmt.Fprintf(&b, "\n%s\n", strings.TrimSpace(p.Long))
	}
	fmt.Fprintf(&b, "\n```text\n%s\n```\n", strings.Join(p.Usage, "\n"))
	if p.Example != "" {
		fmt.Fprintf(&b, "\n## Examples\n\n```sh\n%s\n```\n", strings.TrimSpace(p.Example))
	}
	if len(p.Commands) > 0 {
		b.WriteString("\n## Commands\n\n| command | |\n|---|---|\n")
	}
	for _, c := range p.Commands {
		fmt.Fprintf(&b, "| [%s](%s.md) | %s |\n", c.Name, c.File(), cell(c.Short))
	}
	markdownFlags(&b, "Flags", p.Flags)
	markdownFlags(&b, "Global flags", p.Globals)
	if p.Parent != nil {
		fmt.Fprintf(&b, "\nPart of [%s](%s.md).\n", p.Parent.Name, p.Parent.File())
	}
	return b.String()
}

func markdownFlags(b *strings.Builder, title string, flags []Flag) {
	if len(flags) == 0 {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n| flag | |\n|---|---|\n", title)
	for _, f := range flags {
		fmt.Fprintf(b, "| `%s` | %s |\n", f.Name, cell(f.Meaning))
	}
}

// cell keeps a text within a cell of a table, and its characters from meaning anything.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "*", `\*`, "<", "&lt;").Replace(text)
}
