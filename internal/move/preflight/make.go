package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"shardadmin/internal/conn"
	"shardadmin/internal/conn/rights"
	"shardadmin/internal/fault"
	"shardadmin/internal/figure"
	"shardadmin/internal/fleet"
	"shardadmin/internal/move/fence"
	"shardadmin/internal/move/renumber"
	"shardadmin/internal/move/rowcopy"
	"shardadmin/internal/structure"
	"shardadmin/internal/tenancy"
)

// DefaultReadOnly bounds the time for which a fenced move keeps the tenant
// from writing unless the operator says otherwise.
const DefaultReadOnly = 5 * time.Minute

// DefaultReadOnlyOnline is the same for an online move, which closes the tenant
// for its switch alone.
const DefaultReadOnlyOnline = 10 * time.Second

// OlderLimit is how long a move waits for transactions that began before its guards.
// One that has lasted for longer is likely to outlast that as well.
const OlderLimit = 60 * time.Second

// queryLimit bounds each query of a plan, so that planning a move cannot hold
// a snapshot on a busy server for ever. Counting a large tenant takes minutes.
const queryLimit = 10 * time.Minute

// planner makes one plan.
type planner struct {
	Request
	p        *Plan
	src, dst *pgxpool.Pool
	m        *tenancy.Map
	there    *structure.Schema // the target's
	// ways are the columns by which rows that collide can get other values.
	ways map[renumber.Value]int64
	size int64      // of the target's database, in bytes
	lock sync.Mutex // of p, where queries run side by side
}

// read runs queries over a tenant's rows on a shard, which take longer than a pool
// lets them.
func read(ctx context.Context, db *conn.Database, f func(tx pgx.Tx) error) error {
	return conn.Fault(db.Read(ctx, queryLimit, f), db.Name())
}

// Make reads both shards and says what the move would do. An error means that
// the plan could not be made; what stands in the way of the move is in the
// plan's checks.
func Make(ctx context.Context, r Request) (*Plan, *tenancy.Map, error) {
	w := &planner{Request: r, p: &Plan{
		Tenant: r.Tenant.ID, Label: r.Tenant.Label, Source: r.Source.Name(), Target: r.Target.Name(),
		Tables: []TableRows{}, Decisions: []Decision{}, Checks: []Check{}, SharedCopies: []Row{}, KeepOnSource: []Row{}, Replacing: []Replacing{},
		Fresh: []Fresh{}, Views: []View{}, Notices: []string{}, MadeAt: time.Now().UTC().Format(time.RFC3339),
	}}
	var err error
	if w.src, err = r.Source.Pool(ctx); err != nil {
		return nil, nil, err
	}
	if w.dst, err = r.Target.Pool(ctx); err != nil {
		return nil, nil, err
	}
	here, err := structure.Read(ctx, w.src, nil)
	if err != nil {
		return nil, nil, conn.Fault(err, r.Source.Name())
	}
	if w.m, err = tenancy.BuildMap(here, r.Profile); err != nil {
		return nil, nil, err
	}
	w.mode()
	if w.there, err = structure.Read(ctx, w.dst, nil); err != nil {
		return nil, nil, conn.Fault(err, r.Target.Name())
	}
	for _, step := range []func(context.Context) error{w.fleet, w.direct, w.servers, w.rights, w.structure, w.alike, w.routing} {
		if err := step(ctx); err != nil {
			return nil, nil, err
		}
	}
	if w.p.Blocked() {
		// Rows are only counted where they can be read.
		err := w.count(ctx)
		if err == nil {
			err = w.room(ctx)
		}
		if err != nil && (ctx.Err() != nil || fault.Unreachable(err)) {
			return nil, nil, err
		}
		return w.p, w.m, nil
	}
	for _, step := range []func(context.Context) error{w.count, w.room, w.owners, w.edges, w.collisions, w.root, w.fresh, w.decide, w.replacing, w.estimate} {
		if err := step(ctx); err != nil {
			return nil, nil, err
		}
	}
	return w.p, w.m, nil
}

// mode chooses how the tenant is moved: online where its tables allow that, so
// that it writes while its rows are copied, else fenced.
func (w *planner) mode() {
	w.p.Mode, w.p.ModeReason = "online", "the tenant writes while its rows are copied; its writes wait only for the switch"
	// What is noted of a table without a key is that something in it changed. Rows
	// that follow from its rows could not be found.
	owners := []string{}
	for _, c := range w.m.Moving() {
		for _, e := range c.Owners {
			if to := w.m.Table(e.To); to != nil && to.Kind.Moves() && len(to.Table.Key()) == 0 && !slices.Contains(owners, e.To) {
				owners = append(owners, e.To)
			}
		}
	}
	switch {
	case w.Mode == "fenced":
		w.p.Mode, w.p.ModeReason = "fenced", "asked for: the tenant's writes wait while its rows are copied; reads go on"
	case len(owners) > 0:
		w.p.Mode, w.p.ModeReason = "fenced", "rows of other tables belong to the tenant through "+some(owners)+", which has no key: its changes cannot be followed row by row"
		if w.Mode == "online" {
			w.p.check("mode", Blocker, "give "+some(owners)+" a primary key, or use --mode fenced", "an online move cannot follow "+some(owners)+": it has no key, and rows of other tables belong to the tenant through it").seen("without a primary key or a unique index over columns that are not null: %s", strings.Join(owners, ", "))
		}
	}
}

// fleet holds the checks that need no shard.
func (w *planner) fleet(ctx context.Context) error {
	if w.OpenMove != "" {
		w.p.check("open move", Blocker, "shard-admin move show "+w.OpenMove, "move "+w.OpenMove+" holds the tenant").seen("it is neither finalized nor cancelled nor rolled back").called(fault.MoveInProgress)
	}
	same, err := conn.Same(ctx, w.Source, w.Target)
	if err != nil {
		return err
	}
	if same {
		w.p.check("two databases", Blocker, "mend the fleet file: two shards lead to one database", w.Source.Name()+" and "+w.Target.Name()+" are the same database").seen("%s is database %s on %s:%d, %s is database %s on %s:%d, and a lock that is held in the one is held in the other",
			w.Source.Name(), w.Source.DatabaseName(), w.Source.Host(), w.Source.Port(), w.Target.Name(), w.Target.DatabaseName(), w.Target.Host(), w.Target.Port()).called(fault.SameDatabase)
	} else {
		w.p.check("two databases", OK, "", "source and target are two databases")
	}
	// On a shard the tenant's row is a copy that goes with the tenant; what the
	// fleet file does not call control must not be control.
	for _, db := range []*conn.Database{w.Source, w.Target} {
		if db.InControl() {
			continue
		}
		same, err := conn.Same(ctx, w.Control, db)
		if err != nil {
			return err
		}
		if same {
			w.p.check("control database", Blocker, `give shard `+db.Name()+` database = "control" in the fleet file, in place of its url`,
				db.Name()+" is the control database by another url: the tenant's own row would be taken for a copy").seen("its url leads to database %s on %s:%d, and a lock that is held there is held in control", db.DatabaseName(), db.Host(), db.Port()).called(fault.SameDatabase)
		}
	}
	if w.Environment == fleet.Production && w.LiveWorkers < 1 {
		const alone = "run shard-admin worker on a second machine"
		c := w.p.check("second worker", Warning, alone, "the operator accepts to be the only one who can reopen the tenant if this process dies in the moment of the switch")
		if !w.AcceptAlone {
			c.Status, c.Message = Blocker, "no worker is alive beside this program; if it dies in the moment of the switch nobody opens the tenant again"
			c.Fix = alone + ", or accept it with --accept-alone"
		}
		c.seen("workers that take any run and have shown themselves of late: %d", w.LiveWorkers)
	}
	if w.m.Unclassified > 0 {
		names := []string{}
		for _, c := range w.m.Order {
			if c.Kind == tenancy.Unclassified {
				names = append(names, c.Name())
			}
		}
		w.p.check("table map", Blocker, "say in the profile what they are; shard-admin map --check lists them", fmt.Sprintf("%d tables are not classified: %s", len(names), some(names))).seen("%s", strings.Join(names, ", ")).called(fault.MapUnclassified)
	} else {
		w.p.check("table map", OK, "", fmt.Sprintf("all %d tables are classified, %d hold rows that move", len(w.m.Order), len(w.m.Moving())))
	}
	return nil
}

// direct looks whether the sessions can be opened that a move cannot do without:
// those that hold a snapshot, copy, carry and compare. Found only by the move, it
// would be found behind guards and a closed fence. Control needs none but where it
// is a shard of the move.
func (w *planner) direct(ctx context.Context) error {
	well := true
	for _, db := range []*conn.Database{w.Source, w.Target} {
		err := db.Reaches(ctx)
		if err == nil {
			continue
		}
		if ctx.Err() != nil {
			return err
		}
		well = false
		c := w.p.check("direct session", Blocker, fault.HintOf(err), err.Error())
		c.Code = string(fault.CodeOf(err))
		c.Evidence = fmt.Sprintf("url leads to %s:%d, database %s", db.Host(), db.Port(), db.DatabaseName())
		if fault.CodeOf(err) == fault.PoolerInPath {
			c.Evidence += "; a session there has another process number than the server gave it, or may not have settings of its own"
		}
		if c.Fix == "" {
			c.Fix = "let direct lead to the server itself, by a way that is open from here"
		}
	}
	if well {
		w.p.check("direct session", OK, "", "no pooler is between this program and either shard where the move needs sessions of its own")
	}
	return nil
}

func some(names []string) string {
	if len(names) > 5 {
		return strings.Join(names[:5], ", ") + fmt.Sprintf(" and %d more", len(names)-5)
	}
	return strings.Join(names, ", ")
}

// server is what a plan wants to know about one server.
type server struct {
	Recovery, ReadOnly bool
	Version            int
	Encoding, Collate  string
	Prepared, Own      []string
	Lag                float64
	Standbys           []string
	Free, Most         int
	Size               int64
}

// serverSQL asks for this database alone where the server has others: a transaction
// there, prepared or open, holds no lock on the tenant's tables, passes no guard and
// writes none of its rows, and no slot is made that would wait for it. A session of a
// move may have a transaction open for as long as it copies or compares; it reads
// only, or passes the guards anyway, and a later owner ends it.
const serverSQL = `SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only')::bool OR current_setting('transaction_read_only')::bool,
	current_setting('server_version_num')::int, pg_encoding_to_char(d.encoding), d.datcollate,
	ARRAY(SELECT gid || ' of ' || owner || ' since ' || date_trunc('second', prepared)::text FROM pg_prepared_xacts WHERE database = current_database() ORDER BY prepared),
	ARRAY(SELECT 'pid ' || pid || ' (' || application_name || ') since ' || date_trunc('second', xact_start)::text FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'shard-admin%'
		AND application_name !~ '/move-[0-9a-f]{32}/[0-9]+$' AND state LIKE 'idle in transaction%' AND xact_start < clock_timestamp() - $1::bigint * interval '1 millisecond' ORDER BY xact_start),
	coalesce((SELECT max(extract(epoch FROM replay_lag))::float8 FROM pg_stat_replication), 0), ARRAY(SELECT application_name || ' is ' || coalesce(replay_lag::text, 'an unknown time') || ' behind' FROM pg_stat_replication),
	current_setting('max_connections')::int - (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend'), current_setting('max_connections')::int, pg_database_size(current_database())
	FROM pg_database d WHERE d.datname = current_database()`

func (w *planner) servers(ctx context.Context) error {
	if w.Older <= 0 {
		w.Older = OlderLimit
	}
	facts := map[string]server{}
	for _, s := range []struct {
		db   *conn.Database
		pool *pgxpool.Pool
	}{{w.Source, w.src}, {w.Target, w.dst}} {
		var f server
		if err := s.pool.QueryRow(ctx, serverSQL, w.Older.Milliseconds()).Scan(&f.Recovery, &f.ReadOnly, &f.Version, &f.Encoding, &f.Collate, &f.Prepared, &f.Own, &f.Lag, &f.Standbys, &f.Free, &f.Most, &f.Size); err != nil {
			return conn.Fault(err, s.db.Name())
		}
		facts[s.db.Name()] = f
		name := s.db.Name()
		switch {
		case f.Recovery:
			w.p.check("writable", Blocker, "name the primary in the fleet file", name+" is a standby").seen("pg_is_in_recovery() is true").called(fault.DatabaseReadOnly)
		case f.ReadOnly:
			w.p.check("writable", Blocker, "take default_transaction_read_only off", name+" is read-only by setting").seen("default_transaction_read_only is on for the role, the database or the server").called(fault.DatabaseReadOnly)
		default:
			w.p.check("writable", OK, "", name+" takes writes")
		}
		if n := len(f.Prepared); n > 0 {
			w.p.check("prepared transactions", Blocker, "commit them or roll them back, as whoever coordinates them says: COMMIT PREPARED, ROLLBACK PREPARED in that database on "+name, fmt.Sprintf("%s has %s; they may write after the fence", name, figure.Count(int64(n), "prepared transaction"))).seen("%s", some(f.Prepared))
		}
		if n := len(f.Own); n > 0 {
			w.p.check("own sessions", Blocker, "end the program that holds them, or each: SELECT pg_terminate_backend(PID) on "+name, fmt.Sprintf("%s: %s of our own with an open transaction in which nothing happens", name, figure.Count(int64(n), "session"))).seen("%s", some(f.Own))
		}
		if err := w.lasting(ctx, s.db); err != nil {
			return err
		}
		if f.Lag > 30 {
			w.p.check("standbys", Blocker, "wait until they have caught up", fmt.Sprintf("%s: a standby is %.0f s behind; readers there would see the past after the switch", name, f.Lag)).seen("%s", some(f.Standbys))
		}
		if f.Free < 12 {
			w.p.check("connections", Blocker, "free some, or raise max_connections", fmt.Sprintf("%s has %d free connections, a move takes up to 12", name, f.Free)).seen("max_connections is %d", f.Most)
		}
	}
	a, b := facts[w.Source.Name()], facts[w.Target.Name()]
	if a.Encoding != b.Encoding {
		w.p.check("encoding", Blocker, "move to a database of the same encoding", fmt.Sprintf("%s is %s, %s is %s", w.Source.Name(), a.Encoding, w.Target.Name(), b.Encoding)).seen("pg_database.encoding of database %s and of database %s", w.Source.DatabaseName(), w.Target.DatabaseName())
	}
	// Neither of these two keeps rows from being copied whole and compared: text is
	// compared by its bytes, and values are read and written as text where the
	// versions differ. What they change is how the application sees them.
	if a.Collate != b.Collate {
		w.p.check("collation", Warning, "see whether the application relies on the order of text; a database gets its collation when it is created: CREATE DATABASE … LC_COLLATE "+literal(a.Collate),
			fmt.Sprintf("%s sorts by %s, %s by %s", w.Source.Name(), a.Collate, w.Target.Name(), b.Collate)).seen("pg_database.datcollate of database %s and of database %s", w.Source.DatabaseName(), w.Target.DatabaseName())
	}
	if b.Version/10000 < a.Version/10000 {
		w.p.check("versions", Warning, "bring "+w.Target.Name()+" to the newer version first, or see whether the application uses what the older one does not have",
			fmt.Sprintf("%s runs PostgreSQL %d, %s the older %d", w.Source.Name(), a.Version/10000, w.Target.Name(), b.Version/10000)).seen("server_version_num is %d and %d", a.Version, b.Version)
	}
	w.size = b.Size
	return nil
}

func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// lasting looks for transactions for which the move would wait in vain before its
// guards count.
func (w *planner) lasting(ctx context.Context, db *conn.Database) error {
	long, err := fence.New(db, w.m).Lasting(ctx, w.Older)
	if err != nil || len(long) == 0 {
		return err
	}
	list := []string{}
	for _, b := range long {
		list = append(list, b.String())
	}
	c := w.p.check("long transactions", Blocker, "let them end, or end them: SELECT pg_terminate_backend(PID) on "+db.Name(),
		fmt.Sprintf("%s: %s for longer than %s, which is how long a move waits for those that are older than its guards", db.Name(), figure.Count(int64(len(long)), "transaction")+" open", figure.Span(w.Older))).seen("%s", strings.Join(list, "; "))
	if w.Later {
		c.Status = Warning
	}
	return nil
}

// Need returns what a move needs of a database.
func Need(m *tenancy.Map, p *tenancy.Profile, schema string, capabilities ...rights.Capability) rights.Need {
	n := rights.Need{Capabilities: capabilities, Schema: schema, Root: rights.Table{Schema: m.Root.Table.Schema, Name: m.Root.Table.Rel}}
	for _, c := range m.Order {
		t := rights.Table{Schema: c.Table.Schema, Name: c.Table.Rel}
		n.Read = append(n.Read, t)
		if c.Kind.Moves() {
			n.Owned = append(n.Owned, t)
		}
	}
	for _, v := range m.Schema.Views {
		n.Views = append(n.Views, rights.Table{Schema: v.Schema, Name: v.Rel})
	}
	if col := p.PointerColumn(); col != "" {
		n.Pointer = []string{col}
	}
	if a := p.AppAudit; a != nil {
		if t := m.Table(a.Table); t != nil {
			n.AppAudit = rights.Table{Schema: t.Table.Schema, Name: t.Table.Rel}
		}
	}
	return n
}

// Missing returns what the role lacks for a move in control and on both shards.
func Missing(ctx context.Context, m *tenancy.Map, p *tenancy.Profile, schema string, control, source, target *conn.Database) ([]rights.Missing, error) {
	seen := map[string]bool{}
	out := []rights.Missing{}
	for _, db := range []*conn.Database{control, source, target} {
		if db.InControl() {
			db = control
		}
		if seen[db.Name()] {
			continue
		}
		seen[db.Name()] = true
		missing, err := rights.Check(ctx, db, Need(m, p, schema, rights.Move))
		if err != nil {
			return out, err
		}
		out = append(out, missing...)
	}
	return out, nil
}

func (w *planner) rights(ctx context.Context) error {
	missing, err := Missing(ctx, w.m, w.Profile, w.Schema, w.Control, w.Source, w.Target)
	if err != nil {
		return err
	}
	for _, m := range missing {
		w.p.check("rights", Blocker, m.Grant, m.Database+": the role lacks "+m.Right).seen("asked of the server for the role that is connected there").called(fault.RightMissing)
	}
	if len(missing) == 0 {
		w.p.check("rights", OK, "", "the role may do on every side what a move does")
	}
	return nil
}

func (w *planner) moving() []string {
	out := []string{w.m.Root.Name()}
	for _, c := range w.m.Moving() {
		out = append(out, c.Name())
	}
	return out
}

func (w *planner) structure(ctx context.Context) error {
	names := w.moving()
	if d := structure.Compare(w.m.Schema, w.there, names); len(d) > 0 {
		c := w.p.check("structure", Blocker, "bring both shards to the same schema first", fmt.Sprintf("%d differences between %s and %s", len(d), w.Source.Name(), w.Target.Name()))
		lines := []string{}
		for i, x := range d {
			if i == 20 {
				lines = append(lines, fmt.Sprintf("and %d more", len(d)-i))
				break
			}
			lines = append(lines, x.String())
		}
		c.Evidence, c.Code = strings.Join(lines, "\n"), string(fault.SchemaDifferent)
		c.Message += ": " + d[0].String()
	} else {
		w.p.check("structure", OK, "", fmt.Sprintf("%d tables have the same structure on both shards", len(names)))
	}
	w.p.Fingerprint = structure.Fingerprint(w.m.Schema, names)
	for _, c := range w.m.Moving() {
		t := c.Table
		if t.Kind == "f" {
			w.p.check("foreign table", Blocker, "exclude it in the profile", t.Name+" is a foreign table: its rows are on another server").seen("pg_class.relkind is f on %s", w.Source.Name())
		}
		if len(t.Key()) == 0 {
			w.p.Notices = append(w.p.Notices, t.Name+" has no key: its rows are compared as a whole and carried as a whole when one changes")
		}
		for _, g := range t.Triggers {
			if strings.Contains(g.Definition, "INSERT") && g.Enabled != "D" {
				w.p.check("triggers", Warning, "see whether it changes rows that are copied", t.Name+" has the trigger "+g.Name+", which may fire on the target").seen("%s", g.Definition)
			}
		}
	}
	w.views()
	w.unlogged()
	w.largeObjects()
	return w.rowSecurity(ctx)
}

// moved are the tables of one side's schema that the move reads or writes.
func (w *planner) moved(schema *structure.Schema, is func(*structure.Table) bool) []string {
	out := []string{}
	for _, name := range w.moving() {
		if t := schema.Tables[name]; t != nil && is(t) {
			out = append(out, name)
		}
	}
	return out
}

// unlogged refuses tables that a crash empties: after the move the tenant's only
// rows, or those that a rollback goes back to, would be gone, and standbys never
// had them.
func (w *planner) unlogged() {
	for _, s := range []struct {
		name   string
		schema *structure.Schema
	}{{w.Source.Name(), w.m.Schema}, {w.Target.Name(), w.there}} {
		if list := w.moved(s.schema, func(t *structure.Table) bool { return t.Unlogged }); len(list) > 0 {
			w.p.check("unlogged tables", Blocker, "ALTER TABLE "+s.schema.Tables[list[0]].Quoted()+" SET LOGGED on "+s.name+", and each of the others; or exclude them in the profile",
				fmt.Sprintf("%s: a crash of the server empties %s, and no standby has the rows", s.name, some(list))).seen("pg_class.relpersistence is u for %s", strings.Join(list, ", "))
		}
	}
}

// largeObjects refuses columns that hold object identifiers: each means something in
// its own database alone, and what it refers to is not in the row.
func (w *planner) largeObjects() {
	columns := []string{}
	for _, c := range w.m.Moving() {
		for _, col := range c.Table.Columns {
			if t := strings.TrimSuffix(col.Type, "[]"); t == "oid" || t == "lo" || strings.HasSuffix(t, ".lo") {
				columns = append(columns, c.Name()+"."+col.Name)
			}
		}
	}
	if len(columns) > 0 {
		w.p.check("large objects", Blocker, "keep what they refer to in a column of type bytea, or exclude the tables in the profile",
			"what "+some(columns)+" refer to, as large objects, is not in the row and would stay on "+w.Source.Name()).seen("columns of type oid or lo: %s", strings.Join(columns, ", "))
	}
}

// rowSecurity refuses tables of which a policy may hide rows from this role: reading
// them fails then, because nothing is to be left out in silence.
func (w *planner) rowSecurity(ctx context.Context) error {
	for _, s := range []struct {
		name   string
		pool   *pgxpool.Pool
		schema *structure.Schema
	}{{w.Source.Name(), w.src, w.m.Schema}, {w.Target.Name(), w.dst, w.there}} {
		list := w.moved(s.schema, func(t *structure.Table) bool { return t.RLS })
		if len(list) == 0 {
			continue
		}
		quoted := []string{}
		for _, name := range list {
			quoted = append(quoted, s.schema.Tables[name].Quoted())
		}
		var held []string
		var role string
		if err := s.pool.QueryRow(ctx, `SELECT ARRAY(SELECT t.name FROM unnest($1::text[], $2::text[]) AS t(name, quoted) WHERE pg_catalog.row_security_active(t.quoted::regclass)), current_user::text`, list, quoted).Scan(&held, &role); err != nil {
			return conn.Fault(err, s.name)
		}
		if len(held) == 0 {
			w.p.check("row security", OK, "", fmt.Sprintf("%s: the policies of %s do not hold for the role", s.name, some(list)))
			continue
		}
		w.p.check("row security", Blocker, "ALTER ROLE "+pgx.Identifier{role}.Sanitize()+" BYPASSRLS on "+s.name,
			fmt.Sprintf("%s: policies of %s may hide rows from the role, and a copy of what it sees is not the tenant", s.name, some(held))).seen("row_security_active() is true for %s as %s", strings.Join(held, ", "), role).called(fault.RightMissing)
	}
	return nil
}

func (w *planner) routing(context.Context) error {
	if no := w.m.NotFollowing(); len(no) > 0 {
		w.p.check("routing", Blocker, "teach the application to follow the pointer, then say so in the profile", fmt.Sprintf("the application does not follow the pointer for %d tables: %s", len(no), some(no))).seen("the profile says so of %s", strings.Join(no, ", "))
		return nil
	}
	if un := w.m.Unproven(); len(un) > 0 {
		w.p.check("routing", Warning, "watch the application after the switch; finalize asks how you know (--routing-confirmed)", fmt.Sprintf("nobody has shown that the application follows the pointer for %d tables: %s", len(un), some(un))).seen("the profile says neither that it does nor that it does not of %s", strings.Join(un, ", "))
		return nil
	}
	w.p.check("routing", OK, "", "the profile says that the application follows the pointer")
	return nil
}

// count counts the tenant's rows exactly.
func (w *planner) count(ctx context.Context) error {
	var rows []tenancy.TableRows
	if err := read(ctx, w.Source, func(tx pgx.Tx) (err error) {
		rows, err = w.m.Rows(ctx, tx, w.Tenant.ID)
		return err
	}); err != nil {
		return err
	}
	for _, r := range rows {
		w.p.Tables = append(w.p.Tables, TableRows{Table: r.Table, Kind: string(r.Kind), Rows: r.Rows, Bytes: r.Bytes})
		w.p.Rows += r.Rows
		w.p.Bytes += r.Bytes
	}
	w.p.Notices = append(w.p.Notices, "until finalize the source keeps its copy: jobs of the application that work over a whole shard see it")
	return nil
}

const (
	// nearlyFull is the share of its capacity from which on a target's fill is a warning.
	nearlyFull = 0.9
	// much is how many bytes are a warning where they come to a target of which nobody
	// has said how much it holds.
	much = 1 << 30
)

// room looks whether the target holds what comes: the tenant's rows with indexes in
// proportion to those of the source, and what other moves are still to bring. How much
// room a disk has cannot be asked by SQL: without a stated capacity the plan says so.
func (w *planner) room(ctx context.Context) error {
	var comes int64
	for _, t := range w.p.Tables {
		var share float64
		if t.Bytes > 0 {
			// A table of a few pages has indexes of a few pages each, whatever is in it.
			if err := w.src.QueryRow(ctx, "SELECT CASE WHEN pg_catalog.pg_table_size($1::regclass) < 1048576 THEN 1 ELSE pg_catalog.pg_indexes_size($1::regclass)::float8 / pg_catalog.pg_table_size($1::regclass) END", w.m.Table(t.Table).Table.Quoted()).Scan(&share); err != nil {
				return conn.Fault(err, w.Source.Name())
			}
		}
		comes += t.Bytes + int64(share*float64(t.Bytes))
	}
	after := w.size + comes + w.Coming
	evidence := figure.Size(w.size) + " now and " + figure.Size(comes) + " of the tenant's rows with their indexes"
	if w.Coming > 0 {
		evidence += " and " + figure.Size(w.Coming) + " that other moves are to bring"
	}
	if w.Capacity <= 0 {
		message := fmt.Sprintf("how much room the disk of %s has is not known, no capacity is stated: %s", w.Target.Name(), evidence)
		if comes+w.Coming < much {
			w.p.Notices = append(w.p.Notices, message)
			return nil
		}
		w.p.check("capacity", Warning, "look at the disk of the target's server, and state the shard's capacity in the fleet file", message).Evidence = fmt.Sprintf("pg_database_size is %s bytes, %s are to come", figure.Number(w.size), figure.Number(comes+w.Coming))
		return nil
	}
	message := fmt.Sprintf("%s would hold %s of the stated %s: %s", w.Target.Name(), figure.Size(after), figure.Size(w.Capacity), evidence)
	evidence = fmt.Sprintf("pg_database_size is %s bytes, %s are to come, the capacity is %s", figure.Number(w.size), figure.Number(comes+w.Coming), figure.Number(w.Capacity))
	const fix = "move to another shard, or raise its capacity in the fleet file"
	switch {
	case after > w.Capacity:
		w.p.check("capacity", Blocker, fix, message).Evidence = evidence
	case float64(after) > nearlyFull*float64(w.Capacity):
		w.p.check("capacity", Warning, fix, message).Evidence = evidence
	default:
		w.p.check("capacity", OK, "", message)
	}
	return nil
}

const (
	// MakesWay is the size of a tenant in bytes from which on others may feel its
	// copy.
	MakesWay = 1 << 20
	// Streams is how many tables, or parts of large ones, are copied at once; the
	// target's inserts are the limit, more streams only hold more locks.
	Streams = 4
)

// estimate measures how fast rows leave the source and reckons the rest from
// it: the target's insert with its indexes, and reading both sides once more.
func (w *planner) estimate(ctx context.Context) error {
	var largest TableRows
	for _, t := range w.p.Tables {
		if t.Bytes > largest.Bytes {
			largest = t
		}
	}
	rtt, err := w.roundTrip(ctx)
	if err != nil {
		return err
	}
	perByte := 0.0
	if largest.Rows > 0 {
		c := w.m.Table(largest.Table)
		var n, bytes int64
		var took time.Duration
		if err := read(ctx, w.Source, func(tx pgx.Tx) error {
			begin := time.Now()
			defer func() { took = time.Since(begin) }()
			return tx.QueryRow(ctx, "SELECT count(*), coalesce(sum(length(x::text)), 0)::bigint FROM (SELECT t.* FROM "+c.Table.Own()+" t WHERE "+w.owned(c.Name())+" LIMIT 20000) x").Scan(&n, &bytes)
		}); err != nil {
			return err
		}
		if n > 0 {
			perByte = took.Seconds() * 1000 / (float64(largest.Bytes) * float64(n) / float64(largest.Rows))
		}
	}
	const insertAndCompare = 5 // times the reading, on equal servers
	refresh, err := w.refreshing(ctx, perByte)
	if err != nil {
		return err
	}
	w.p.EstimateMS = int64(400+float64(len(w.p.Tables))*(8+6*rtt)+insertAndCompare*perByte*float64(w.p.Bytes)+refresh) + 1
	// A fenced move refreshes the target's views before it lets the tenant write.
	limit, pause, what := w.MaxReadOnly, w.p.EstimateMS, "copy"
	if refresh >= 1000 {
		what = "copy with the refresh of materialized views"
	}
	if w.p.Mode == "online" {
		// Under the fence: what the last pass carries, guards, structure, marker,
		// the flip.
		pause, what = int64(100+40*rtt)+1, "switch"
		if limit <= 0 {
			limit = DefaultReadOnlyOnline
		}
	} else if limit <= 0 {
		limit = DefaultReadOnly
	}
	if w.p.Mode == "online" && w.p.Bytes >= MakesWay {
		// One stream takes about twice as long as all.
		most := float64(w.p.EstimateMS) * max(1, 2/rowcopy.LeastSpeed(w.p.Bytes, Streams))
		w.p.Notices = append(w.p.Notices, fmt.Sprintf("where others are at work on either shard the copy makes way for them: it may take up to about %s then, unless it is to go at full speed", figure.Span((time.Duration(most)*time.Millisecond).Round(time.Second))))
	}
	w.p.MaxReadOnlyMS, w.p.PauseMS = limit.Milliseconds(), pause
	expected := figure.Span((time.Duration(pause) * time.Millisecond).Round(100 * time.Millisecond))
	if pause > w.p.MaxReadOnlyMS {
		w.p.check("read-only time", Blocker, "allow more with --max-read-only", fmt.Sprintf("the %s is expected to take %s, the tenant may be read-only for %s", what, expected, figure.Span(limit))).seen("a probe of the source's largest table, and %.1f ms for a round trip to both shards", rtt).called(fault.FenceEstimate)
	} else {
		w.p.check("read-only time", OK, "", fmt.Sprintf("the tenant is expected to be read-only for %s of at most %s", expected, figure.Span(limit)))
	}
	return w.replicaRole(ctx)
}

// roundTrip is the sum of one round trip to each side in milliseconds.
func (w *planner) roundTrip(ctx context.Context) (float64, error) {
	begin := time.Now()
	for _, s := range []struct {
		pool *pgxpool.Pool
		name string
	}{{w.src, w.Source.Name()}, {w.dst, w.Target.Name()}} {
		if _, err := s.pool.Exec(ctx, "SELECT 1"); err != nil {
			return 0, conn.Fault(err, s.name)
		}
	}
	return time.Since(begin).Seconds() * 1000, nil
}

// replicaRole finds out whether the role may leave out row by row checks of
// foreign keys while copying; a plain role needs an order without cycles.
func (w *planner) replicaRole(ctx context.Context) error {
	err := pgx.BeginFunc(ctx, w.dst, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "SET LOCAL session_replication_role = replica")
		return err
	})
	w.p.ReplicaRole = err == nil
	if err != nil {
		f := conn.Fault(err, w.Target.Name())
		if fault.Unreachable(f) {
			return f
		}
		if cycle := w.undeferrable(); cycle != "" {
			w.p.check("foreign keys", Blocker, "GRANT SET ON PARAMETER session_replication_role TO the role on "+w.Target.Name()+", or make the keys deferrable", "foreign keys of "+cycle+" form a cycle that cannot be deferred").seen("SET session_replication_role: %s", f.Error())
		}
	}
	return nil
}

// undeferrable names tables whose foreign keys form a cycle of several tables
// without a deferrable key, or "".
func (w *planner) undeferrable() string {
	state := map[string]int{}
	var found string
	var visit func(name string)
	visit = func(name string) {
		state[name] = 1
		if c := w.m.Table(name); c != nil {
			for _, f := range c.Table.ForeignKeys {
				if to := w.m.Table(f.RefTable); to == nil || !to.Kind.Moves() || f.RefTable == name || f.Deferrable {
					continue
				}
				switch state[f.RefTable] {
				case 0:
					visit(f.RefTable)
				case 1:
					found = name + " and " + f.RefTable
				}
			}
		}
		state[name] = 2
	}
	for _, c := range w.m.Moving() {
		if state[c.Name()] == 0 {
			visit(c.Name())
		}
	}
	return found
}
