package evidence

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestRule27WithoutAnOutsideCheckpointItIsConsistentWithItselfOnly(t *testing.T) {
	l := newLog(t, 9)
	r := verify(t, Input{Export: strings.NewReader(l.export(0, 9).text())})
	if !r.OK() {
		t.Errorf("%v", r.Findings)
	}
	r.says(t, r.Unproved, "consistent with itself only")
	r.says(t, r.Unproved, "the export's own word")
	r.says(t, r.Proved, "the export's own checkpoint")

	r = verify(t, Input{Export: strings.NewReader(l.export(0, 9).text()), Outside: l.checkpoint(2) + "\n" + l.checkpoint(7), Key: l.key})
	if !r.OK() {
		t.Errorf("%v", r.Findings)
	}
	r.says(t, r.Proved, "events up to 6 are those of a checkpoint that was kept outside")
	r.says(t, r.Unproved, "the last 2 events")
	if strings.Contains(strings.Join(r.Unproved, ""), "own word") {
		t.Errorf("%v", r.Unproved)
	}
}

func TestRule27ALogThatWasRewrittenDoesNotFitWhatWasKeptOutside(t *testing.T) {
	l := newLog(t, 9)
	kept := l.checkpoint(5)
	other := newLog(t, 2) // whoever has the keys makes a whole new log
	other.signer, other.key = l.signer, l.key
	other.add(testLine(2, 77))
	other.grow(6)
	r := verify(t, Input{Export: strings.NewReader(other.export(0, 9).text()), Outside: kept})
	r.says(t, said(r), "was rewritten before event 5")
	if r := verify(t, Input{Export: strings.NewReader(other.export(0, 9).text())}); !r.OK() {
		t.Errorf("without it nobody can tell, and it says so: %v", r.Findings)
	}
}

func said(r *Report) (list []string) {
	for _, f := range r.Findings {
		list = append(list, f.String())
	}
	return list
}

func TestCheckpointsOutsideThatDoNotHelp(t *testing.T) {
	l, foreign := newLog(t, 9), newLog(t, 9)
	text := strings.NewReader
	for name, c := range map[string]struct {
		outside string
		ok      bool
		want    string
	}{
		"of a longer log":         {l.checkpoint(9), true, "of a longer log"},
		"of before the export":    {l.checkpoint(1), true, "before this export's first event"},
		"forged":                  {foreign.checkpoint(4), false, "is not signed by"},
		"of another log":          {strings.ReplaceAll(foreign.checkpoint(4), "/w/acme", "/w/other"), true, "no checkpoint that was kept outside is of these events"},
		"no checkpoint at all":    {"hello\n", false, "is not signed by"},
		"at the first event":      {l.checkpoint(3), true, "events up to 2"},
		"at the last event":       {l.checkpoint(8), true, "events up to 7"},
		"changed since it was so": {strings.Replace(l.checkpoint(4), "\n4\n", "\n5\n", 1), false, "is not signed by"},
	} {
		t.Run(name, func(t *testing.T) {
			r := verify(t, Input{Export: text(l.export(3, 8).text()), Outside: c.outside})
			if r.OK() != c.ok {
				t.Errorf("%v", r.Findings)
			}
			r.says(t, slices.Concat(said(r), r.Proved, r.Unproved), c.want)
		})
	}
}

func TestRule25ErasedEventsAreCounted(t *testing.T) {
	l := newLog(t, 6)
	e := l.export(0, 6)
	for _, i := range []int{1, 4} {
		e.lines[i] = Line{Index: int64(i), ID: e.lines[i].ID, Leaf: e.lines[i].Leaf, Erased: true}
	}
	if r := verify(t, Input{Export: strings.NewReader(e.text())}); !r.OK() || r.Erased != 2 {
		t.Errorf("%d erased, %v", r.Erased, r.Findings)
	}
	e.lines[1].Event = "{}"
	if r := verify(t, Input{Export: strings.NewReader(e.text())}); !r.names("event-1", "is said to be erased") {
		t.Errorf("%v", r.Findings)
	}
}

func TestRule27TheLaterExportExtendsTheEarlier(t *testing.T) {
	l := newLog(t, 20)
	for name, c := range map[string]struct {
		older, later [2]int
		want         string
		ok           bool
	}{
		"both whole":        {[2]int{0, 7}, [2]int{0, 20}, "its first 7 events are the same", true},
		"the same":          {[2]int{0, 20}, [2]int{0, 20}, "its first 20 events are the same", true},
		"one after another": {[2]int{0, 7}, [2]int{7, 20}, "its first 7 events are the same", true},
		"overlapping":       {[2]int{3, 12}, [2]int{9, 20}, "its first 12 events are the same", true},
		"later goes back":   {[2]int{9, 12}, [2]int{4, 20}, "its first 12 events are the same", true},
		"with a gap":        {[2]int{0, 7}, [2]int{8, 20}, "events 7 to 7 are in neither export", false},
		"exchanged":         {[2]int{0, 20}, [2]int{0, 7}, "exchange the two", false},
	} {
		t.Run(name, func(t *testing.T) {
			r := verify(t, Input{
				Older:  strings.NewReader(l.export(c.older[0], c.older[1]).text()),
				Export: strings.NewReader(l.export(c.later[0], c.later[1]).text()),
			})
			if r.OK() != c.ok {
				t.Errorf("%v", r.Findings)
			}
			r.says(t, slices.Concat(said(r), r.Proved), c.want)
		})
	}
	other := newLog(t, 30)
	r := verify(t, Input{Older: strings.NewReader(l.export(0, 7).text()), Export: strings.NewReader(other.export(0, 20).text())})
	r.says(t, said(r), "of the older export: the export names another verifier key")
}

func TestWhatIsNoExport(t *testing.T) {
	l := newLog(t, 4)
	whole := l.export(0, 4).text()
	for name, text := range map[string]string{
		"nothing":         "",
		"something else":  "hello\n",
		"other JSON":      "{}\n",
		"a later version": strings.Replace(whole, `"version":1`, `"version":2`, 1),
		"a bad frontier":  strings.Replace(whole, `"from":0`, `"from":1`, 1),
		"a bad range":     strings.Replace(whole, `"from":0`, `"from":9`, 1),
		"a bad key":       strings.Replace(whole, l.key, "x", 1),
		"a bad header":    strings.Replace(whole, `"version":1`, `"version":1,"more":1`, 1),
	} {
		if _, err := Verify(Input{Export: strings.NewReader(text)}); err == nil {
			t.Errorf("%s: was verified", name)
		}
	}
}

// Programs that read JSON differ in which of two members of one name they take, and in the case of names.
func TestAnEventThatReadersOfJSONSeeDifferentlyIsNamed(t *testing.T) {
	l := newLog(t, 4)
	whole := l.export(0, 4).text()
	for name, spoil := range map[string]func(string) string{
		"twice":            func(s string) string { return strings.Replace(s, `{"index":2,`, `{"index":2,"event":"{}",`, 1) },
		"in capitals":      func(s string) string { return strings.Replace(s, `{"index":2,`, `{"index":2,"EVENT":"{}",`, 1) },
		"with white space": func(s string) string { return strings.Replace(s, `{"index":2,`, `{"index": 2,`, 1) },
		"with more":        func(s string) string { return strings.Replace(s, `{"index":2,`, `{"more":1,"index":2,`, 1) },
		"no JSON":          func(s string) string { return strings.Replace(s, `{"index":2,`, `{"index":2;`, 1) },
	} {
		r := verify(t, Input{Export: strings.NewReader(spoil(whole))})
		if r.OK() || r.Findings[0].Index != 2 {
			t.Errorf("%s: %v", name, r.Findings)
		}
	}
}

// Whatever is done to an export, verification finds it, and names the event where something in the file, or an older
// export, tells which it is.
func TestRule25WhateverIsDoneToAnExportIsFoundAndNamed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(3, 40).Draw(t, "size")
		l := newLog(t, size)
		from := rapid.IntRange(0, size-3).Draw(t, "from")
		e := l.export(from, size)
		at := rapid.IntRange(0, len(e.lines)-1).Draw(t, "at")
		numbered := rapid.Bool().Draw(t, "numbered anew")
		older := l.export(0, rapid.IntRange(from+at+1, size).Draw(t, "older"))
		victim, word := e.lines[at], ""
		switch what := rapid.SampledFrom([]string{"change", "change with leaf", "drop", "reorder", "insert", "repeat"}).Draw(t, "what"); what {
		case "change":
			e.lines[at].Event = strings.Replace(victim.Event, `"kind":"x`, `"kind":"y`, 1)
			word = "was changed"
		case "change with leaf":
			e.lines[at].Event = strings.Replace(victim.Event, `"kind":"x`, `"kind":"y`, 1)
			e.lines[at].Leaf = Leaf([SaltSize]byte(victim.Salt), []byte(e.lines[at].Event))
			word = "was changed since the older export"
		case "drop":
			e.lines = slices.Delete(e.lines, at, at+1)
			word = "was dropped"
		case "reorder":
			to := rapid.IntRange(0, len(e.lines)-2).Draw(t, "to")
			if to >= at {
				to++
			}
			e.lines = slices.Insert(slices.Delete(e.lines, at, at+1), to, victim)
			older = l.export(0, size) // one that ends between the two places sees an insertion
			word = "reordered"
		case "insert", "repeat":
			inserted := testLine(from+at, 1000)
			if what == "repeat" {
				inserted = l.lines[rapid.IntRange(from, from+at).Draw(t, "repeated")]
			}
			e.lines, victim = slices.Insert(e.lines, at, inserted), inserted
			word = "inserted"
		}
		if numbered {
			e.number()
		}
		r := verify(t, Input{Export: strings.NewReader(e.text())})
		if r.OK() {
			t.Fatalf("alone, nothing was found")
		}
		r = verify(t, Input{Export: strings.NewReader(e.text()), Older: strings.NewReader(older.text())})
		if r.OK() {
			t.Fatalf("nothing was found")
		}
		if !r.names(victim.ID, word) && !(word == "reordered" && namesOneOf(r, l.lines[from:], "reordered")) {
			t.Fatalf("%s of %s at %d is not named: %v", word, victim.ID, from+at, r.Findings)
		}
	})
}

// namesOneOf reports whether any of some events is named: of two that changed places, either may have moved.
func namesOneOf(r *Report, lines []Line, word string) bool {
	return slices.ContainsFunc(lines, func(l Line) bool { return r.names(l.ID, word) })
}

func TestFindingsAreBounded(t *testing.T) {
	l := newLog(t, 300)
	e := l.export(0, 300)
	for i := range e.lines {
		e.lines[i].Event += " "
	}
	r := verify(t, Input{Export: strings.NewReader(e.text())})
	if len(r.Findings) != mostFindings || r.More != 200 {
		t.Errorf("%d findings and %d more", len(r.Findings), r.More)
	}
	if got, want := r.Findings[7].String(), "event 7 (event-7) was changed: it is not what its leaf was made of"; got != want {
		t.Errorf("%q", got)
	}
	if got := (Finding{Index: -1, What: "x"}).String() + fmt.Sprint(Finding{Index: 2, What: "y"}); got != "xevent 2 y" {
		t.Errorf("%q", got)
	}
}

func TestAnEventOfAnotherWorkspaceIsNamed(t *testing.T) {
	l := newLog(t, 3)
	foreign := testLine(3, 3)
	foreign.Event = strings.Replace(foreign.Event, "acme-id", "other-id", 1)
	foreign.Leaf = Leaf([SaltSize]byte(foreign.Salt), []byte(foreign.Event))
	l.add(foreign)
	if r := verify(t, Input{Export: strings.NewReader(l.export(0, 4).text())}); !r.names("event-3", "is of another workspace") {
		t.Errorf("%v", r.Findings)
	}
	renamed := l.export(0, 3)
	renamed.lines[1].ID = "event-9"
	if r := verify(t, Input{Export: strings.NewReader(renamed.text())}); !r.names("event-9", "has another ID than the event inside") {
		t.Errorf("%v", r.Findings)
	}
}
