package evidence

import (
	"slices"
	"strings"
	"testing"

	"github.com/nsc-federation/nsc/internal/evidence/witnesstest"
)

// cosigned is a checkpoint with the cosignatures of witnesses.
func cosigned(checkpoint string, by ...witnesstest.Key) string {
	for _, k := range by {
		checkpoint += k.Cosign(body(checkpoint), vouched)
	}
	return checkpoint
}

// Rule 27: what a witness vouches for counts as published outside, by its key, and by nothing else.
func TestRule27WhatWitnessesVouchFor(t *testing.T) {
	l, rewritten := newLog(t, 9), newLog(t, 2)
	rewritten.signer, rewritten.key = l.signer, l.key // whoever has the keys makes a whole new log
	rewritten.add(testLine(2, 77))
	rewritten.grow(6)
	w, w2 := witnesstest.NewKey("w1"), witnesstest.NewKey("w2")
	key, key2 := witnessKey(t, w), witnessKey(t, w2)
	forged := l.checkpoint(7) + w.Cosign(body(l.checkpoint(6)), vouched)
	foreign := strings.ReplaceAll(newLog(t, 9).checkpoint(7), "/w/acme", "/w/other")
	const at = " vouched for at 2026-03-04T05:06:07Z"
	for name, x := range map[string]struct {
		log      *testLog // nil is l
		from, to int      // to 0 is 9
		cosigned []string // in the export
		outside  string
		keys     []WitnessKey
		ok       bool
		size     int64 // that the first witness vouches for
		want     []string
	}{
		"nobody": {ok: true, want: []string{"consistent with itself only", "--witness-key"}},
		"cosigned, and no key": {cosigned: []string{cosigned(l.checkpoint(7), w)}, ok: true,
			want: []string{"consistent with itself only", "whether witnesses vouch for it"}},
		"one": {cosigned: []string{cosigned(l.checkpoint(7), w)}, keys: []WitnessKey{key}, ok: true, size: 7,
			want: []string{"events up to 6 are those that " + key.ID() + at, "the last 2 events"}},
		"the whole":   {cosigned: []string{cosigned(l.checkpoint(9), w)}, keys: []WitnessKey{key}, ok: true, size: 9, want: []string{"events up to 8"}},
		"a key twice": {cosigned: []string{cosigned(l.checkpoint(7), w)}, keys: []WitnessKey{key, key}, ok: true, size: 7, want: []string{"up to 6"}},
		"two on one": {cosigned: []string{cosigned(l.checkpoint(7), w, w2)}, keys: []WitnessKey{key, key2}, ok: true, size: 7,
			want: []string{key.ID() + at, key2.ID() + at}},
		"two on two": {cosigned: []string{cosigned(l.checkpoint(7), w), cosigned(l.checkpoint(4), w2)}, keys: []WitnessKey{key, key2}, ok: true, size: 7,
			want: []string{"events up to 6 are those that " + key.ID(), "events up to 3 are those that " + key2.ID()}},
		"one of two": {cosigned: []string{cosigned(l.checkpoint(7), w)}, keys: []WitnessKey{key, key2}, ok: true, size: 7,
			want: []string{key2.ID() + " vouches for none of these events: no checkpoint here has its cosignature"}},
		"another key": {cosigned: []string{cosigned(l.checkpoint(7), w)}, keys: []WitnessKey{key2}, ok: true,
			want: []string{"no witness vouches for these events: the export is consistent with itself only"}},
		"kept outside": {outside: cosigned(l.checkpoint(7), w), keys: []WitnessKey{key}, ok: true, size: 7,
			want: []string{"of a checkpoint that was kept outside", key.ID() + at}},
		"the newest counts": {cosigned: []string{cosigned(l.checkpoint(3), w)}, outside: cosigned(l.checkpoint(5), w), keys: []WitnessKey{key}, ok: true,
			size: 5, want: []string{"events up to 4 are those that " + key.ID()}},
		"of a later one, outside": {to: 6, outside: cosigned(l.checkpoint(7), w), keys: []WitnessKey{key}, ok: true, size: 0,
			want: []string{"of a longer log than this export", "what it cosigned is of others"}},
		"of before": {from: 5, cosigned: []string{cosigned(l.checkpoint(3), w)}, keys: []WitnessKey{key}, ok: true,
			want: []string{"before this export's first event"}},
		"cut, or rolled back": {to: 6, cosigned: []string{cosigned(l.checkpoint(7), w)}, keys: []WitnessKey{key},
			want: []string{key.ID() + " vouched at 2026-03-04T05:06:07Z for a log of 7 events, and the export has only 6: it was cut, or the log was rolled back"}},
		"rewritten": {log: rewritten, cosigned: []string{cosigned(l.checkpoint(7), w)}, keys: []WitnessKey{key},
			want: []string{key.ID() + " vouched at 2026-03-04T05:06:07Z for a log of 7 events with another root: the log was rewritten before event 7"}},
		"rewritten, and no key": {log: rewritten, cosigned: []string{cosigned(l.checkpoint(7), w)},
			want: []string{"a cosigned checkpoint in the export is of 7 events with another root"}},
		"rewritten, kept outside": {log: rewritten, outside: cosigned(l.checkpoint(7), w), keys: []WitnessKey{key}, want: []string{"vouched at"}},
		"forged": {cosigned: []string{forged}, keys: []WitnessKey{key},
			want: []string{"the checkpoint of 7 events has a cosignature in the name of w1 that is none"}},
		"forged, and no key": {cosigned: []string{forged}, ok: true, want: []string{"consistent with itself only"}},
		"not of this log's key": {cosigned: []string{cosigned(newLog(t, 9).checkpoint(7), w)}, keys: []WitnessKey{key},
			want: []string{"a cosigned checkpoint in the export is not one of " + originName}},
		"of another log, outside": {outside: cosigned(foreign, w), keys: []WitnessKey{key}, ok: true,
			want: []string{"no checkpoint that was kept outside is of these events"}},
		"no note": {cosigned: []string{"hello"}, want: []string{"is not one of " + originName}},
	} {
		t.Run(name, func(t *testing.T) {
			if x.log == nil {
				x.log = l
			}
			if x.to == 0 {
				x.to = 9
			}
			e := x.log.export(x.from, x.to)
			e.Cosigned = x.cosigned
			r := verify(t, Input{Export: strings.NewReader(e.text()), Outside: x.outside, Key: l.key, Witnesses: x.keys})
			if r.OK() != x.ok {
				t.Errorf("%v", r.Findings)
			}
			for _, want := range x.want {
				r.says(t, slices.Concat(said(r), r.Proved, r.Unproved), want)
			}
			var size int64
			if len(r.Witnessed) > 0 && r.Witnessed[0].Witness == key.ID() && r.Witnessed[0].Time.Equal(vouched) {
				size = r.Witnessed[0].Size
			}
			if size != x.size {
				t.Errorf("%+v", r.Witnessed)
			}
		})
	}
}

// A cosignature may stand below the export's own checkpoint, too.
func TestRule27TheExportsOwnCheckpointMayBeCosigned(t *testing.T) {
	l, w := newLog(t, 9), witnesstest.NewKey("w1")
	e := l.export(0, 9)
	e.Checkpoint = cosigned(e.Checkpoint, w)
	r := verify(t, Input{Export: strings.NewReader(e.text()), Key: l.key, Witnesses: []WitnessKey{witnessKey(t, w)}})
	if !r.OK() || len(r.Witnessed) != 1 || r.Witnessed[0].Size != 9 || len(r.Unproved) != 0 {
		t.Errorf("%+v", r)
	}
}
