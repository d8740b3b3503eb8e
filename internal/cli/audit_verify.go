package cli

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/evidence"
	"github.com/nsc-federation/nsc/internal/failure"
)

type verifyOptions struct{ checkpoint, key string }

func (p *program) auditVerifyCommand() *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use: "verify EXPORT [OLDER-EXPORT]", Short: "Verify an export of the record, offline",
		Long: `Verify what nsc audit export printed, without a server: each event against its leaf, the leaves against the checkpoint, and the checkpoint's signature. An event that was changed, dropped, reordered or inserted is named where that can be told. With an older export it proves that this one extends it; with checkpoints that were kept outside, that the log was not rewritten since. It says what it could not prove.

Exits with 1 where something is wrong with the export.`,
		Example: `nsc audit verify prod.jsonl
nsc audit verify prod.jsonl prod-of-january.jsonl --checkpoint checkpoints.txt --key "$(cat prod.vkey)"`,
		Args: exportArguments,
		RunE: func(_ *cobra.Command, args []string) error { return p.auditVerify(o, args) },
	}
	cmd.Flags().StringVar(&o.checkpoint, "checkpoint", "", "`file` of signed checkpoints that were kept outside of the server")
	cmd.Flags().StringVar(&o.key, "key", "", "verifier `key` of the log, as nsc audit key prints it (default: the export's own word)")
	return cmd
}

func exportArguments(cmd *cobra.Command, args []string) error {
	switch len(args) {
	case 0:
		return failure.Misuse(cmd.CommandPath()+" takes an argument and none is given", "name the export's file: nsc audit verify EXPORT [OLDER-EXPORT]")
	case 1, 2:
		return nil
	}
	return failure.Misuse("more than two exports are named", "%s", seeHelp(cmd))
}

func (p *program) auditVerify(o verifyOptions, args []string) error {
	in := evidence.Input{Key: o.key}
	for i, to := range []*io.Reader{&in.Export, &in.Older}[:len(args)] {
		f, err := os.Open(args[i])
		if err != nil {
			return failure.Wrap(failure.Failed, err, err.Error(), "name the file of an export")
		}
		defer f.Close()
		*to = f
	}
	if o.checkpoint != "" {
		text, err := os.ReadFile(o.checkpoint)
		if err != nil {
			return failure.Wrap(failure.Failed, err, err.Error(), "name the file that the checkpoints were published to")
		}
		in.Outside = string(text)
	}
	report, err := evidence.Verify(in)
	if err != nil {
		return failure.Wrap(failure.Failed, err, args[0]+": "+err.Error(), "name what nsc audit export printed, as it printed it")
	}
	if err := p.print(report, func(w io.Writer) { writeVerification(w, report) }); err != nil {
		return err
	}
	if !report.OK() {
		return failure.Silent
	}
	return nil
}

func writeVerification(w io.Writer, r *evidence.Report) {
	fmt.Fprintf(w, "%s, events %d to %d, %d of them erased\n", shown(r.Origin), r.From, r.To-1, r.Erased)
	for _, f := range r.Findings {
		fmt.Fprintln(w, "WRONG   ", shown(f.String()))
	}
	if r.More > 0 {
		fmt.Fprintf(w, "WRONG    and %d more\n", r.More)
	}
	for _, text := range r.Proved {
		fmt.Fprintln(w, "proved  ", text)
	}
	for _, text := range r.Unproved {
		fmt.Fprintln(w, "unproved", text)
	}
}
