package script

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const repository = "../.."

// A page is a Markdown file whose examples are run.
type page struct {
	name   string
	blocks []block
}

// A block is fenced code.
type block struct {
	line   int    // where it begins
	end    int    // where it ends
	kind   string // the word after the fence: sh, text, console, go, ...
	text   string
	output string // what the text block right behind it says that it prints; "" where nothing is said
}

func readPage(t *testing.T, name string) page {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	p := page{name: name}
	for _, b := range fences(string(text)) {
		if last := len(p.blocks) - 1; b.kind == "text" && last >= 0 && p.blocks[last].kind == "sh" && p.blocks[last].end == b.line-1 {
			p.blocks[last].output = b.text
			continue
		}
		p.blocks = append(p.blocks, b)
	}
	return p
}

// fences returns the fenced code of a Markdown text (CommonMark §4.5, as far as our pages use it).
func fences(text string) []block {
	var found []block
	inside := false
	for i, line := range strings.SplitAfter(text, "\n") {
		kind, fence := strings.CutPrefix(strings.TrimLeft(line, " "), "```")
		switch {
		case fence && inside:
			inside = false
			found[len(found)-1].end = i + 1
		case fence:
			inside = true
			found = append(found, block{line: i + 1, kind: strings.TrimSpace(kind)})
		case inside:
			found[len(found)-1].text += line
		}
	}
	return found
}

// of returns the page's blocks of a kind.
func (p page) of(kind string) []block {
	var found []block
	for _, b := range p.blocks {
		if b.kind == kind {
			found = append(found, b)
		}
	}
	return found
}

// replace exchanges texts in every block.
func (p page) replace(texts *strings.Replacer) page {
	replaced := page{name: p.name}
	for _, b := range p.blocks {
		b.text, b.output = texts.Replace(b.text), texts.Replace(b.output)
		replaced.blocks = append(replaced.blocks, b)
	}
	return replaced
}

func TestFences(t *testing.T) {
	found := fences("a\n```sh\nx\ny\n```\n\n```text\n…\n```\n```\nplain\n```\n")
	want := []block{
		{line: 2, end: 5, kind: "sh", text: "x\ny\n"}, {line: 7, end: 9, kind: "text", text: "…\n"}, {line: 10, end: 12, text: "plain\n"},
	}
	if len(found) != len(want) {
		t.Fatalf("%+v", found)
	}
	for i := range want {
		if found[i] != want[i] {
			t.Errorf("%+v, want %+v", found[i], want[i])
		}
	}
}
