package cli

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"

	"shardadmin/internal/document"
	"shardadmin/internal/fault"
	"shardadmin/internal/session"
)

type verifyFlags struct {
	server, mirror bool
	file, from     string
	keys           []string
}

func (p *program) auditCheckpointCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "checkpoint", Short: "Sign the end of the trail and store that in it", Args: want(),
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runAuditCheckpoint(cmd.Context(), file) },
	}
	c.Flags().StringVarP(&file, "output", "o", "", "also write it to the `FILE`, to be kept elsewhere")
	return c
}

func (p *program) auditKeyCommand() *cobra.Command {
	return group(
		"key", "The keys that sign checkpoints and manifests",
		&cobra.Command{
			Use: "enroll", Short: "Make a key in the keychain and record its public half", Args: want(),
			RunE: func(cmd *cobra.Command, _ []string) error { return p.runAuditKeyEnroll(cmd.Context()) },
		},
		&cobra.Command{
			Use: "list", Short: "List the keys that the trail speaks of", Args: want(),
			RunE: func(cmd *cobra.Command, _ []string) error { return p.runAuditKeyList(cmd.Context()) },
		},
		&cobra.Command{
			Use: "revoke KEY", Short: "Record that a key counts no longer", Args: want("KEY"),
			RunE: func(cmd *cobra.Command, args []string) error { return p.runAuditKeyRevoke(cmd.Context(), args[0]) },
		},
	)
}

func (p *program) auditArchiveCommand() *cobra.Command {
	var until, file string
	c := &cobra.Command{
		Use: "archive --until TIME -o FILE", Short: "Write the trail's beginning to a signed file", Args: want(),
		Long: `Write every event from the trail's beginning up to a time to a file of lines of
JSON with a signed manifest. Nothing is removed: audit purge does that with such
a file. Needs an enrolled signing key (audit key enroll).`,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runAuditArchive(cmd.Context(), until, file) },
	}
	c.Flags().StringVar(&until, "until", "", "up to the `TIME`: 2026-01-31, RFC 3339, or an age such as 9600h")
	c.Flags().StringVarP(&file, "output", "o", "", "the `FILE` to write")
	return c
}

func (p *program) auditPurgeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "purge FILE", Short: "Remove the events of an archive from the control database", Args: want("FILE"),
		Long: `Remove the events that an archive holds from the control database. The archive
is verified first, signature and every hash, and compared with the trail; the
trail then begins where the archive ends, and an event of it says so. Only the
owner of the schema may, in the role admin. Copies on other computers keep what
they have. Keep the file: nothing else has these events.`,
		RunE: func(cmd *cobra.Command, args []string) error { return p.runAuditPurge(cmd.Context(), args[0]) },
	}
}

func (p *program) auditEraseCommand() *cobra.Command {
	return &cobra.Command{
		Use: "erase EMAIL|PSEUDONYM", Short: "Remove who somebody is from the trail, and keep what they did", Args: want("EMAIL or PSEUDONYM"),
		Long: `Remove a person's e-mail from the trail, with the names of computers and system
users that no other operator used. The events stay under the pseudonym that they
have (person-1a2b...), every hash still fits, and nobody can find out, or guess,
who that was. An event says what was erased, without saying whom. Copies on
other computers lose the value when they are next brought up to date. Refused
for operators of the fleet (fleet operator remove comes first), for who has work
queued and for yourself. Only the owner of the schema may, or whom the owner
lets, in the role admin. It cannot be undone.`,
		RunE: func(cmd *cobra.Command, args []string) error { return p.runAuditErase(cmd.Context(), args[0]) },
	}
}

func (p *program) runAuditErase(ctx context.Context, who string) error {
	s, err := p.changing(ctx)
	if err != nil {
		return err
	}
	f := s.Fleet()
	if err := p.change(ctx, f, "Nobody will know any more who "+who+" was in the audit trail of "+f.Name+". This cannot be undone.", f.Name); err != nil {
		return err
	}
	v, err := s.EraseAudit(ctx, who, p.note, p.confirm)
	if err != nil {
		return err
	}
	return p.answer(v, func(w io.Writer) {
		line(w, "Erased. %s stay under:", count(v.Events, "event"))
		for _, ref := range v.Refs {
			line(w, "  %s", ref)
		}
		if v.PlainEvents > 0 {
			paragraph(w, "", "! "+count(v.PlainEvents, "event")+" have the e-mail itself: recorded before there were pseudonyms, or written as a reason. Only audit archive and audit purge remove those.")
		}
		if v.CopyReason != "" {
			paragraph(w, "", "! This computer's copy still has the value: "+v.CopyReason)
		}
		paragraph(w, "", "Files that were given out before, and backups of the control database, still have it.")
	})
}

func (p *program) runAuditArchive(ctx context.Context, until, file string) error {
	path, err := outputPath(file)
	if err != nil {
		return err
	}
	s, err := p.changing(ctx)
	if err != nil {
		return err
	}
	v, err := s.ArchiveAudit(ctx, until, path, p.note)
	if err != nil {
		return err
	}
	return p.answer(document.OfExport(v), func(w io.Writer) {
		exported(w, v)
		line(w, "")
		line(w, "Nothing was removed. When the file is kept where it will be found again:")
		line(w, "  %s", fault.Change("audit purge "+file))
	})
}

func (p *program) runAuditPurge(ctx context.Context, file string) error {
	s, err := p.changing(ctx)
	if err != nil {
		return err
	}
	v, err := s.PurgeAudit(ctx, file, p.note, p.confirm)
	if err != nil {
		return err
	}
	return p.answer(v, func(w io.Writer) {
		line(w, "%s removed; the trail begins after number %s.", count(v.Events, "event"), number(v.Through))
		line(w, "Keep %s with its manifest and signature: the control database has these events no more.", v.Archive)
	})
}

func (p *program) runAuditCheckpoint(ctx context.Context, file string) error {
	s, err := p.changing(ctx)
	if err != nil {
		return err
	}
	v, err := s.TakeCheckpoint(ctx, p.note)
	if err != nil {
		return err
	}
	if file != "" {
		if err := os.WriteFile(file, []byte(v.Note), 0o600); err != nil {
			return fault.Wrapf(err, fault.Usage, "choose a folder that exists and that you may write to", "%s cannot be written", file)
		}
	}
	return p.answer(v, func(w io.Writer) {
		line(w, "The trail up to number %s is signed by %s.", number(v.Seq), v.Key)
		if file == "" {
			line(w, "")
			_, _ = io.WriteString(w, v.Note)
		}
	})
}

func (p *program) runAuditKeyEnroll(ctx context.Context) error {
	s, err := p.changing(ctx)
	if err != nil {
		return err
	}
	k, err := s.EnrollAuditKey(ctx, p.note)
	if err != nil {
		return err
	}
	return p.answer(k, func(w io.Writer) {
		line(w, "Enrolled by event %s:", number(k.EnrolledSeq))
		line(w, "%s", k.Public)
		line(w, "Give this to whoever verifies what you export.")
	})
}

func (p *program) runAuditKeyList(ctx context.Context) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	keys, err := s.AuditKeys(ctx)
	if err != nil {
		return err
	}
	return p.answer(struct {
		Keys []session.AuditKey `json:"keys"`
	}{keys}, func(w io.Writer) {
		if len(keys) == 0 {
			line(w, "No key is enrolled: shard-admin audit key enroll makes one.")
			return
		}
		for _, k := range keys {
			until := ""
			if k.RevokedSeq != nil {
				until = ", revoked by event " + number(*k.RevokedSeq)
			}
			line(w, "%s", k.Public)
			line(w, "  of %s, enrolled by event %s%s", k.Actor, number(k.EnrolledSeq), until)
		}
	})
}

func (p *program) runAuditKeyRevoke(ctx context.Context, public string) error {
	s, err := p.changing(ctx)
	if err != nil {
		return err
	}
	if err := s.RevokeAuditKey(ctx, public, p.note); err != nil {
		return err
	}
	return p.answer(struct {
		Revoked string `json:"revoked"`
	}{public}, func(w io.Writer) {
		line(w, "The key signs no more; what it has signed before stays good.")
	})
}

func (p *program) runAuditVerify(ctx context.Context, f verifyFlags) error {
	checkpoint := ""
	if f.from != "" {
		b, err := os.ReadFile(f.from)
		if err != nil {
			return fault.Wrapf(err, fault.FileUnreadable, "give the file that audit checkpoint -o has written", "%s cannot be read", f.from)
		}
		checkpoint = string(b)
	}
	if f.file != "" {
		return p.runAuditVerifyFile(ctx, f, checkpoint)
	}
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	verify := s.VerifyAuditFrom
	if f.mirror {
		verify = s.VerifyMirror
	}
	v, err := verify(ctx, checkpoint, f.keys)
	if err != nil {
		return err
	}
	return p.verified(v, v)
}

func (p *program) runAuditVerifyFile(ctx context.Context, f verifyFlags, checkpoint string) error {
	v, err := session.VerifyAuditFile(ctx, f.file, checkpoint, f.keys)
	if err != nil {
		return err
	}
	return p.verified(v, v.AuditVerification)
}

// verified prints what verifying found; the document is the whole.
func (p *program) verified(whole any, v session.AuditVerification) error {
	err := p.answer(whole, func(w io.Writer) {
		for _, f := range v.Findings {
			where := ""
			if f.Seq > 0 {
				where = "number " + number(f.Seq) + ", "
			}
			paragraph(w, "", "! "+where+state(f.Kind)+": "+f.Message)
		}
		if !v.OK {
			line(w, "%s read: the trail does not verify.", count(v.Events, "event"))
			return
		}
		if file, ok := whole.(session.AuditFileVerification); ok && !file.Chain {
			line(w, "The file is the one that its manifest describes.")
		} else {
			line(w, "%s verified: none was changed, removed or put in.", count(v.Events, "event"))
		}
		if file, ok := whole.(session.AuditFileVerification); ok && file.SignedBy != "" {
			line(w, "Signed by %s (%s).", file.SignedBy, file.Trust)
		}
		if v.LastCheckpoint != nil {
			line(w, "%s fit, the newest of number %s.", count(v.Checkpoints, "signed checkpoint"), number(*v.LastCheckpoint))
		}
		if v.ArchivedTo > 0 {
			line(w, "The trail begins after number %s: what was before is in an archive.", number(v.ArchivedTo))
		}
		for _, text := range v.Unproven {
			paragraph(w, "", "Not shown: "+text+".")
		}
	})
	if err == nil && !v.OK {
		return &found{code: fault.AuditTampered}
	}
	return err
}
