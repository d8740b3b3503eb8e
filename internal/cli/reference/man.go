package reference

import (
	"fmt"
	"strings"
)

// Man returns a page as a man page of section 1 (man-pages(7)).
func (p *Page) Man() string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %q 1 \"\" nsc \"nsc\"\n", strings.ToUpper(p.File()))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(p.File()), roff(p.Short))
	fmt.Fprint(&b, ".SH SYNOPSIS\n")
	for _, line := range p.Usage {
		fmt.Fprintf(&b, ".B %s\n.br\n", roff(line))
	}
	fmt.Fprintf(&b, ".SH DESCRIPTION\n%s\n", paragraphs(p.description()))
	manFlags(&b, "OPTIONS", p.Flags)
	manFlags(&b, "GLOBAL OPTIONS", p.Globals)
	if p.Example != "" {
		fmt.Fprintf(&b, ".SH EXAMPLES\n.nf\n%s\n.fi\n", roff(strings.TrimSpace(p.Example)))
	}
	b.WriteString(".SH EXIT STATUS\n0 done, 1 failed, 2 used wrongly, 3 not signed in or refused, 4 server not reached.\n")
	if related := p.related(); len(related) > 0 {
		fmt.Fprintf(&b, ".SH SEE ALSO\n%s\n", strings.Join(related, ", "))
	}
	return b.String()
}

func (p *Page) description() string {
	if p.Long != "" {
		return p.Long
	}
	return p.Short + "."
}

func (p *Page) related() []string {
	var names []string
	if p.Parent != nil {
		names = append(names, roff(p.Parent.File())+"(1)")
	}
	for _, c := range p.Commands {
		names = append(names, roff(c.File())+"(1)")
	}
	return names
}

func manFlags(b *strings.Builder, title string, flags []Flag) {
	if len(flags) == 0 {
		return
	}
	fmt.Fprintf(b, ".SH %s\n", title)
	for _, f := range flags {
		fmt.Fprintf(b, ".TP\n.B %s\n%s\n", roff(f.Name), roff(f.Meaning))
	}
}

// paragraphs writes a text whose paragraphs are apart by an empty line.
func paragraphs(text string) string {
	var all []string
	for _, paragraph := range strings.Split(strings.TrimSpace(text), "\n\n") {
		all = append(all, roff(paragraph))
	}
	return strings.Join(all, "\n.PP\n")
}

// roff writes text so that no character of it is a request.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
