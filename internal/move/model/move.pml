/*
 * The move protocol as internal/move carries it out; README.md says what is
 * modelled, what is bounded and how to run it.
 *
 * A label that is also a stop point (shard-admin move points) stands directly
 * behind the effect after which the code stops there; model_test.go compares
 * the two lists.
 */

#define S 0 /* the source */
#define T 1 /* the target */

/* A fence row's state. */
#define NONE       0
#define ARMED      1
#define FENCED     2
#define COMMITTING 3
#define MOVED      4
#define INCOMING   5
#define OPEN       6

/* The states of a move in control; FAILED and before can be undone. */
#define PLANNED     0
#define COPYING     1
#define CATCHING_UP 2
#define READY       3
#define SWITCHING   4
#define FAILED      5
#define CANCELLED   6
#define SWITCHED    7
#define RETAINED    8
#define ROLLINGBACK 9
#define ROLLEDBACK  10
#define FINALIZING  11
#define FINALIZED   12

/* The steps that recovery tells apart. */
#define PLAIN       0
#define ISARMED     1
#define HELD        2
#define FLIPPEDBACK 3
#define CHECKED     4
#define PURGED      5
#define UNDOING     6 /* what was copied is being removed */

/* Actions of a session. */
#define START    0
#define RESUME   1
#define CANCEL   2
#define SWITCH   3
#define ROLLBACK 4
#define FINALIZE 5

#ifndef SESSIONS_A
#define SESSIONS_A 1 /* of the owner who may sleep for ever */
#endif
#ifndef SESSIONS_B
#define SESSIONS_B 2 /* of the owner who recovers, beyond those that recovery needs */
#endif
#ifndef MISHAPS
#define MISHAPS 1 /* statements that fail, answers that are lost, crashes of B */
#endif
#ifndef RC
#define RC 1 /* writers under read committed */
#endif
#ifndef RR
#define RR 1 /* writers under repeatable read or serializable */
#endif

#if defined(ROLLBACKS) || defined(FINALIZES)
#define ONLYFORWARD 0
#else
#define ONLYFORWARD 1 /* the check ends with retained */
#endif

#define WRITERS (RC + RR)
#define ROWS    ((1 << WRITERS) - 1)
#define SNAPSHOTS (ROWS - ((1 << RC) - 1))

/* Control. */
byte st = PLANNED, step = PLAIN;
byte mep;            /* the epoch that the move's row carries */
byte lep;            /* the lease's epoch */
byte flipper;        /* epoch of the open transaction that holds the lease's row, 0 none */
bit ptr = S;
bit cleanup[2];      /* a cleanup record is open */
#ifdef HOLDS
bit hold;
#else
#define hold 0
#endif
byte digest;         /* what was verified last */

/* Shards. */
byte fence[2];
bit expired[2];      /* the fence's time has passed, by the shard's clock */
bit late[2];         /* a writer came in after it */
byte sep[2];         /* epoch of the move there, 0 none */
bit guard[2];
byte data[2];        /* what is committed, a bit a write */
bit begun;           /* the target's list says that a copy was begun */
#ifdef ONLINE
byte noted[2];       /* the guards' notes: what was written and not carried yet */
bit kept;            /* failed, and what was copied stays (failed_in) */
#endif

/* Writers. */
byte locked[2];      /* who holds the tenant's advisory lock shared */
byte busy[2];        /* who has a transaction */
byte older[2];       /* by owner: the transactions that it waits for */
bit cache[2];        /* by writer: where it believes the tenant to be */
byte seen[2];        /* by writer: the fence's state in its snapshot */
byte changed;        /* whose snapshot is older than the fence row */
byte acked;

byte mishaps = MISHAPS;
byte ended;
bit alone;           /* A has ended */

/* What the guard decides from a state on shard x. */
#ifdef COMMITTING_EXPIRES
#define CLOSED(f, x) (f == MOVED || f == INCOMING || ((f == FENCED || f == COMMITTING) && !expired[x]))
#else
#define CLOSED(f, x) (f == COMMITTING || f == MOVED || f == INCOMING || (f == FENCED && !expired[x]))
#endif
#define SERVES(x) (fence[x] != NONE && !CLOSED(fence[x], x))

#define UNDOABLE(s) (s <= FAILED)
#define ISHELD(s, p) (s == READY && p == HELD)

/* What a person finds when no run is under way. */
#define OVER (st == CANCELLED || st == ROLLEDBACK || st == FINALIZED)
#define WRITABLE (fence[ptr] != COMMITTING && fence[ptr] != MOVED && fence[ptr] != INCOMING)
#define SETTLED (OVER || ((st == RETAINED || st == FAILED || ISHELD(st, step)) && WRITABLE))

/* What must hold after every effect: control's pointer names the open side, so
 * there are never two, and every acknowledged write is there. */
inline holds() {
	assert(!(SERVES(S) && SERVES(T)));
	assert(!SERVES(1 - ptr));
	assert((acked & data[ptr]) == acked)
}

/* Every change of a fence row makes FOR SHARE fail in snapshots before it. */
inline row(x, f) {
	fence[x] = f;
	if
	:: f != FENCED && f != COMMITTING -> expired[x] = 0; late[x] = 0
	:: else
	fi;
	changed = changed | (busy[x] & SNAPSHOTS);
	holds()
}

/* The last to end looks whether what is left is as it should be. */
inline leaves() {
	ended++;
	if
	:: ended == WRITERS + 2 ->
		assert(acked == ROWS);
		assert(SETTLED && WRITABLE);
		assert(!OVER || (fence[S] == NONE && fence[T] == NONE))
	:: else
	fi
}

proctype Writer(byte k; bit rr) {
	bit x;
	byte f;
idle:
	atomic {
		/* Begin. A refused writer looks the shard up again before it returns,
		 * others may remember it. */
		if
		:: cache[k] != ptr -> if :: cache[k] = ptr :: skip fi
		:: else
		fi;
		x = cache[k];
		busy[x] = busy[x] | (1 << k);
		changed = changed & ~(1 << k);
		seen[k] = (rr -> fence[x] : 0)
	}
	atomic {
		/* The guard's first look, by the snapshot where there is one. */
		f = (rr -> seen[k] : fence[x]);
		if
		:: !guard[x] || f == NONE -> goto written
		:: guard[x] && f != NONE && CLOSED(f, x) -> goto refused
		:: guard[x] && f != NONE && !CLOSED(f, x)
		fi;
#ifndef FENCE_READ_BEFORE_LOCK
		locked[x] = locked[x] | (1 << k)
#endif
	}
	atomic {
#ifdef FENCE_READ_BEFORE_LOCK
		locked[x] = locked[x] | (1 << k);
		if
		:: rr -> goto written
		:: else
		fi;
#endif
		/* The second look holds the lock. */
		if
		:: rr && (changed & (1 << k)) -> goto refused /* 40001 */
		:: else
		fi;
		f = fence[x];
		if
		:: f == NONE -> skip
		:: f != NONE && CLOSED(f, x) -> goto refused
		:: f != NONE && !CLOSED(f, x) ->
			if
			:: f == FENCED -> late[x] = 1
			:: else
			fi
		fi
	}
written:
	atomic {
		if
		:: data[x] = data[x] | (1 << k);
			acked = acked | (1 << k);
#ifdef ONLINE
			if
			:: f != NONE -> noted[x] = noted[x] | (1 << k)
			:: else
			fi;
#endif
			holds()
		:: goto refused /* the writer's own rollback */
		fi;
		locked[x] = locked[x] & ~(1 << k);
		busy[x] = busy[x] & ~(1 << k);
		older[0] = older[0] & ~(1 << k);
		older[1] = older[1] & ~(1 << k);
		x = 0; f = 0; seen[k] = 0; changed = changed & ~(1 << k);
		cache[k] = S;
		leaves();
		goto done
	}
refused:
	atomic {
		locked[x] = locked[x] & ~(1 << k);
		busy[x] = busy[x] & ~(1 << k);
		older[0] = older[0] & ~(1 << k);
		older[1] = older[1] & ~(1 << k);
		x = 0; f = 0; seen[k] = 0; changed = changed & ~(1 << k)
	}
	goto idle;
done:
	skip
}

/* The shards' clocks: a closed fence's time passes. */
#ifdef COMMITTING_EXPIRES
#define CLOCK(x) (fence[x] == FENCED || fence[x] == COMMITTING) && !expired[x]
#else
#define CLOCK(x) fence[x] == FENCED && !expired[x]
#endif
active proctype Clock() {
end:
	do
	:: atomic { CLOCK(S) -> expired[S] = 1; holds() }
	:: atomic { CLOCK(T) -> expired[T] = 1; holds() }
#ifdef CLOCK_STEPS_BACK
	:: atomic { fence[S] == FENCED && expired[S] -> expired[S] = 0 }
	:: atomic { fence[T] == FENCED && expired[T] -> expired[T] = 0 }
#endif
	od
}

#define TAKEN(x) (sep[x] != me)

/* A statement may fail, or B may crash before it. A need not: whoever sleeps
 * for ever has crashed. */
inline oops() {
	if
	:: true
	:: mishaps > 0 -> mishaps--; goto failing
	:: mishaps > 0 && id == 1 -> mishaps--; goto crashed
	fi
}

/* record.step: the state moves on under the epoch. */
inline to(s, p) {
	atomic {
		oops();
		if
		:: st == ms && mep <= me -> st = s; step = p; mep = me; ms = s; mp = p
		:: else -> goto lost
		fi
	}
}

/* fence.Enter */
inline enter(x) {
	atomic {
		oops();
		if
		:: sep[x] <= me -> sep[x] = me
		:: else -> goto forget
		fi
	}
}

/* What Enter made for an owner who has lost the lease meanwhile nobody would
 * find: it looks again, and takes its own away where nothing else is. */
inline entered() {
#ifdef ENTERS_UNASKED
	skip
#else
	atomic {
		oops();
		if
		:: lep == me
		:: else -> goto forget
		fi
	}
#endif
}

/* record.willMake and cleaned: under the lease's row. */
inline recorded(x, open) {
	atomic {
		oops();
#ifdef RECORDS_WITHOUT_LEASE
		cleanup[x] = open
#else
		if
		:: lep == me -> cleanup[x] = open
		:: else -> goto lost
		fi
#endif
	}
}

inline guards(x) {
	atomic {
		oops();
		if
		:: sep[x] != 0 -> guard[x] = 1
		:: else -> goto failing /* there is no schema */
		fi
	}
}

/* fence.Arm: a row of the same move stays as it is. */
inline arming(x, f) {
	atomic {
		oops();
		if
		:: TAKEN(x) -> goto lost
		:: else
		fi;
		if
		:: fence[x] == NONE -> row(x, f)
		:: else -> row(x, fence[x])
		fi
	}
}

/* fence.WaitOlder: what runs when it is asked is waited for, or given up. */
inline waitOlder(x) {
	atomic { oops(); older[id] = busy[x] }
	if
	:: older[id] == 0
	:: atomic { older[id] != 0 && mishaps > 0 -> mishaps--; older[id] = 0; goto takeDown }
	fi
}

/* fence.Close: the lock first, then the row; given up when writers keep it. */
inline closing(x) {
	atomic {
		oops();
		if
		:: TAKEN(x) -> goto lost
		:: !TAKEN(x) && locked[x] == 0 ->
			if
			:: fence[x] == ARMED || fence[x] == OPEN -> expired[x] = 0; late[x] = 0; row(x, FENCED)
			:: else -> goto failing
			fi
		fi
	}
}

/* fence.Commit */
inline commit(x) {
	atomic {
		oops();
		if
		:: TAKEN(x) -> goto lost
		:: !TAKEN(x) && locked[x] == 0 ->
			if
			:: fence[x] == FENCED && !expired[x] && !late[x] -> row(x, COMMITTING)
			:: else -> goto failing
			fi
		fi
	}
}

/* flipTx up to its commit: the lease's row is locked, nobody can take it. */
inline flipBegin(from) {
	atomic {
		oops();
#ifndef FLIP_WITHOUT_EPOCH
		if
		:: lep == me && mep <= me -> flipper = me
		:: else -> goto lost
		fi;
#endif
		if
		:: ptr == from && st == ms
		:: else -> flipper = 0; goto failing
		fi
	}
}

/* The commit; its answer may be lost, and then control is asked (flipFate). */
inline flipCommit(to_, s, p) {
	atomic {
#ifdef FLIP_WITHOUT_EPOCH
		if
		:: st == ms
		:: else -> goto lost
		fi;
#else
		if
		:: flipper == me
		:: else -> goto lost /* the server ended the transaction; the lease has another owner */
		fi;
#endif
		if
		:: ptr = to_; st = s; step = p; mep = me; ms = s; mp = p; flipper = 0; holds()
		:: mishaps > 0 -> mishaps--; flipper = 0; goto failing /* it was not committed, for certain or after asking */
		:: mishaps > 0 && id == 1 -> mishaps--; flipper = 0; goto crashed /* nor answered */
		:: mishaps > 0 && id == 1 -> mishaps--; ptr = to_; st = s; step = p; mep = me; flipper = 0; holds(); goto crashed /* only not answered */
		fi
	}
}

/* Reopen, behind what reopenSource and reopenTarget read in control. */
inline reopen(x, f) {
	atomic {
		oops();
		if
		:: TAKEN(x) -> goto lost
		:: else
		fi;
		if
		:: fence[x] == FENCED || fence[x] == COMMITTING -> row(x, f)
		:: else
		fi
	}
}

/* SetState */
inline becomes(x, f) {
	atomic {
		oops();
		if
		:: TAKEN(x) -> goto lost
		:: !TAKEN(x) && fence[x] != NONE -> row(x, f)
		:: !TAKEN(x) && fence[x] == NONE -> goto failing
		fi
	}
}

/* A writing transaction on a shard: the epoch first. */
inline writing(x) {
	oops();
	if
	:: TAKEN(x) -> goto lost
	:: else
	fi
}

/* takeDown on one shard: row and epoch, then the guards, which stay where an
 * owner has come meanwhile; then the cleanup record. */
inline remove(x) {
	atomic {
		oops();
		if
		:: sep[x] > me -> goto lost
		:: else -> sep[x] = 0; guard[x] = 0; row(x, NONE)
#ifdef ONLINE
			; noted[x] = 0
#endif
		fi;
		if
		:: x == T -> begun = 0
		:: else
		fi
	}
	recorded(x, 0)
}

#ifdef ONLINE
/* keepsCopy */
#define KEEPS (mp != UNDOING && (ms == CATCHING_UP || ms == READY || ms == SWITCHING || (ms == FAILED && kept)))

/* carry.Pass: what a snapshot and its notes show is brought over in one
 * transaction, then those notes are removed. */
inline pass(a, b) {
	atomic { oops(); snap = noted[a] & data[a] }
	atomic { writing(b); data[b] = data[b] | snap; holds() }
	atomic { writing(a); noted[a] = noted[a] & ~snap; snap = 0 }
}
#endif

proctype Owner(bit id) {
	byte me, action, ms, mp, snap;
	byte left;     /* sessions that it may still choose */
	bit clean[2];  /* what toClean answered */
	bit past;      /* forward goes on beyond held */

	left = (id == 0 -> SESSIONS_A : SESSIONS_B);
	goto session;

forget:
	atomic { sep[S] = (sep[S] == me && fence[S] == NONE -> 0 : sep[S]); sep[T] = (sep[T] == me && fence[T] == NONE -> 0 : sep[T]) }
crashed:
lost:
session:
	atomic {
		me = 0; action = 0; ms = 0; mp = 0; snap = 0; clean[0] = 0; clean[1] = 0; past = 0; older[id] = 0;
		if
		:: left > 0 && !OVER && !(ONLYFORWARD && st == RETAINED) -> left--
		:: id == 0 -> goto gone
		:: id == 1 && alone && SETTLED -> goto gone
		:: id == 1 && !SETTLED
		fi;
		/* The lease: its row is free when the server has ended who held it. */
		lep++; me = lep; flipper = 0;
		assert(lep < 12) /* else recovery does not come to an end */
	}
lease_taken:
	atomic {
		/* The move's row carries the epoch before it is read: an older owner
		 * changes nothing behind it. */
		if
#ifdef TAKES_OVER_UNMARKED
		:: true
#else
		:: mep <= me -> mep = me
		:: else -> goto lost
#endif
		fi;
		ms = st; mp = step; clean[S] = cleanup[S]; clean[T] = cleanup[T];
		if
		:: ms == PLANNED -> action = START
		:: ISHELD(ms, mp) -> action = SWITCH
		:: UNDOABLE(ms) -> if :: !ISHELD(ms, mp) -> action = RESUME :: action = CANCEL fi
		:: ms == RETAINED ->
			if
			:: goto session
#ifdef ROLLBACKS
			:: action = ROLLBACK
#endif
#ifdef FINALIZES
			:: action = FINALIZE
#endif
			fi
		:: ms == SWITCHED || ms == ROLLINGBACK || ms == FINALIZING -> action = RESUME
		:: ms == CANCELLED || ms == ROLLEDBACK || ms == FINALIZED -> goto session
		fi
	}
	/* takeOver */
	if
	:: clean[S] -> enter(S)
	:: else
	fi;
	if
	:: clean[T] -> enter(T)
	:: else
	fi;
	entered();
	if
	:: action == START || action == SWITCH -> past = (action == SWITCH); goto forward
	:: action == CANCEL -> goto cancel
	:: action == ROLLBACK -> goto rollback
	:: action == FINALIZE -> goto finalize
	:: action == RESUME && ms == ROLLINGBACK -> goto rollback
	:: action == RESUME && ms == FINALIZING -> goto finalize
	:: action == RESUME && ms == SWITCHED -> goto settle
#ifdef ONLINE
	:: action == RESUME && UNDOABLE(ms) && KEEPS -> past = !hold; goto goOn
	:: action == RESUME && UNDOABLE(ms) && !KEEPS -> past = !hold; goto undo
#else
	:: action == RESUME && UNDOABLE(ms) -> past = !hold; goto undo
#endif
	fi;

forward:
	if
	:: ms == PLANNED && mp != ISARMED -> goto arm
#ifdef ONLINE
	:: ms == PLANNED && mp == ISARMED -> goto copying
#else
	:: ms == PLANNED && mp == ISARMED && hold && !past -> goto holding
	:: ms == PLANNED && mp == ISARMED && (!hold || past) -> goto copying
#endif
#ifdef ONLINE
	:: ISHELD(ms, mp) -> goto switchOnline
#else
	:: ISHELD(ms, mp) -> goto copying
#endif
	fi;

arm:
	recorded(S, 1);
	recorded(T, 1);
cleanup_recorded:
	enter(S);
	enter(T);
	entered();
epoch_bumped:
	guards(S);
guards_on_source:
	guards(T);
guards_installed:
	arming(T, INCOMING);
	arming(S, ARMED);
armed:
	waitOlder(S);
older_gone:
	to(PLANNED, ISARMED);
	goto forward;

#ifndef ONLINE
holding:
	to(READY, HELD);
held:
	goto session;
#endif

copying:
	to(COPYING, PLAIN);
#ifndef ONLINE
	closing(S);
fenced:
#endif
	atomic {
		/* beginCopy */
		writing(T);
		if
		:: data[T] == 0 -> begun = 1
		:: else -> goto failing
		fi
	}
	atomic { oops(); snap = data[S] }
snapshot_exported:
root_placed:
	atomic { writing(T); data[T] = data[T] | (snap & 1) }
first_table_copied:
	atomic { writing(T); data[T] = data[T] | snap; snap = 0 }
copied:
#ifdef ONLINE
	pass(S, T);
first_pass:
verified:
	to(CATCHING_UP, PLAIN);
catching_up:
catchUp:
	pass(S, T);
passed:
	if
	:: hold && !past -> to(READY, HELD); goto session /* the point held */
	:: !hold || past -> to(READY, PLAIN)
	fi;
caught_up:
switchOnline:
	to(SWITCHING, PLAIN);
	closing(S);
switch_fenced:
	pass(S, T);
last_pass:
	digest = data[T];
	goto before_committing;
#else
verified:
	atomic {
		oops();
		if
		:: st == ms && mep <= me -> st = READY; step = PLAIN; mep = me; ms = READY; mp = PLAIN; digest = data[T]
		:: else -> goto lost
		fi
	}
digests_stored:
	to(SWITCHING, PLAIN);
#endif
before_committing:
	commit(S);
committing:
	flipBegin(S);
flip_not_committed:
	flipCommit(T, SWITCHED, PLAIN);
flipped:
settle:
	becomes(S, MOVED);
source_moved:
	becomes(T, OPEN);
target_open:
views_refreshed:
	to(RETAINED, PLAIN);
retained:
	goto session;

#ifdef ONLINE
	/* Not flipped: the source opens, and what the target holds stays. */
goOn:
	atomic {
		if
		:: fence[S] == MOVED || fence[T] == OPEN -> goto failing
		:: else
		fi;
		if
		:: UNDOABLE(st)
		:: else -> goto failing
		fi
	}
	reopen(S, ARMED);
	to(CATCHING_UP, PLAIN);
	goto catchUp;
#endif

cancel:
cancel_begun:
	goto undo;

	/* undo; then forward, or takeDown of a cancel. */
undo:
	atomic {
		/* neverSwitched */
		if
		:: fence[S] == MOVED || fence[T] == OPEN -> goto failing
		:: else
		fi
	}
	if
	:: ms == PLANNED -> goto removeCopy
	:: else
	fi;
#if defined(ONLINE) && !defined(UNDOES_UNSAID)
	/* Said first: who takes over would go on with a copy that is half gone. */
	if
	:: KEEPS -> to(ms, UNDOING)
	:: else
	fi;
#endif
	atomic {
		oops();
		if
		:: UNDOABLE(st) -> clean[S] = cleanup[S]
		:: else -> goto failing
		fi
	}
#ifdef REOPENS_NOTHING
	clean[S] = 1;
#endif
	if
	:: clean[S] -> reopen(S, ARMED)
	:: else /* nothing of the move is there */
	fi;
source_reopened:
removeCopy:
	atomic { oops(); clean[T] = cleanup[T] }
	if
	:: clean[T] && begun ->
		atomic {
			writing(T);
			data[T] = 0; begun = 0;
			holds()
		}
copy_removed:
		skip
	:: else
	fi;
	if
	:: ms != PLANNED -> to(PLANNED, PLAIN)
	:: else
	fi;
	if
	:: action == CANCEL -> goto takeDown
	:: else -> goto forward
	fi;

takeDown:
	atomic { clean[S] = cleanup[S]; clean[T] = cleanup[T] }
	if
	:: clean[S] -> remove(S)
	:: else
	fi;
	if
	:: clean[T] -> remove(T)
	:: else
	fi;
	if
	:: ms == ROLLINGBACK -> goto rollback_cleaned
	:: ms == FINALIZING -> goto finalize_cleaned
	:: action == CANCEL -> goto cancel_cleaned
	:: else -> goto failing /* older transactions did not end */
	fi;

cancel_cleaned:
	to(CANCELLED, PLAIN);
	goto session;

rollback:
	if
	:: ms == RETAINED -> to(ROLLINGBACK, PLAIN);
rollback_begun: skip
	:: else
	fi;
	if
	:: mp == FLIPPEDBACK -> goto settleBack
	:: else
	fi;
	/* reopenTarget: what an earlier try left */
	atomic {
		oops();
		past = (st == ROLLINGBACK && step != FLIPPEDBACK)
	}
	if
	:: past -> reopen(T, OPEN)
	:: else
	fi;
	past = 0;
#ifdef ONLINE
	if
	:: skip
noting_writes:
		pass(T, S)
	:: skip /* the source is not what it was: all is compared */
	fi;
#endif
	closing(T);
	to(ROLLINGBACK, PLAIN);
target_fenced:
#ifdef ONLINE
	if
	:: pass(T, S); goto source_brought_up
	:: skip
	fi;
#endif
	atomic { oops(); snap = data[T] }
	atomic { writing(S); data[S] = snap; snap = 0; holds() }
source_brought_up:
	atomic { oops(); digest = data[S] }
rollback_verified:
	commit(T);
target_committing:
	flipBegin(T);
flip_back_not_committed:
	flipCommit(S, ROLLINGBACK, FLIPPEDBACK);
flipped_back:
settleBack:
	atomic { oops(); clean[S] = cleanup[S]; clean[T] = cleanup[T] }
	if
	:: !clean[S] || !clean[T] -> goto takeDown
#ifndef HANDS_OVER_TWICE
	:: clean[S] && clean[T] && fence[S] == NONE -> goto takeDown /* an earlier try had come so far */
#endif
	:: else
	fi;
	becomes(T, MOVED);
target_moved:
	becomes(S, OPEN);
source_open:
	atomic { writing(T); data[T] = 0; holds() }
target_purged:
#ifndef ROLLBACK_IGNORES_ROUTES
	atomic {
		/* routing_ttl passes: nobody goes the old way. */
		oops();
		busy[T] == 0 -> cache[0] = ptr; cache[1] = ptr
	}
#endif
	goto takeDown;
rollback_cleaned:
	to(ROLLEDBACK, PLAIN);
	goto session;

finalize:
	if
	:: ms == RETAINED ->
		/* mayFinalize: routing_ttl has passed, nobody goes the old way. */
		atomic {
			oops();
			if
			:: busy[S] == 0 -> cache[0] = ptr; cache[1] = ptr
			:: else -> goto failing
			fi
		}
		to(FINALIZING, PLAIN);
finalize_begun: skip
	:: else
	fi;
	if
	:: mp == PLAIN ->
		atomic {
			/* purge.List: only what was verified; else nothing is purged. */
			oops();
			if
			:: data[S] == digest
			:: else ->
				if
				:: mep <= me && st == FINALIZING && step == PLAIN -> st = RETAINED; ms = RETAINED; goto failing
				:: else -> goto lost
				fi
			fi
		}
		to(FINALIZING, CHECKED);
purge_listed: skip
	:: else
	fi;
	if
	:: mp == CHECKED ->
		atomic { writing(S); data[S] = data[S] & ~1; holds() }
first_batch_purged:
		atomic { writing(S); data[S] = 0; holds() }
		to(FINALIZING, PURGED);
purged: skip
	:: else
	fi;
	goto takeDown;
finalize_cleaned:
	to(FINALIZED, PLAIN);
	goto session;

	/* failed: the tenant is left writable and the reason recorded. What fails
	 * here is only logged. */
failing:
	past = 0; snap = 0;
	if
	:: UNDOABLE(ms) && ms != PLANNED && ms != FAILED && !ISHELD(ms, mp) ->
		past = UNDOABLE(st);
		atomic {
			if
			:: past && !TAKEN(S) ->
				if
				:: fence[S] == FENCED || fence[S] == COMMITTING -> row(S, ARMED)
				:: else
				fi
			:: mishaps > 0 -> mishaps--
			:: !past || TAKEN(S)
			fi;
			past = 0
		}
	:: ms == ROLLINGBACK && mp != FLIPPEDBACK ->
		past = (st == ROLLINGBACK && step != FLIPPEDBACK);
		atomic {
			if
			:: past && !TAKEN(T) ->
				if
				:: fence[T] == FENCED || fence[T] == COMMITTING -> row(T, OPEN)
				:: else
				fi
			:: mishaps > 0 -> mishaps--; past = 0
			:: !past || TAKEN(T) -> past = 0
			fi
		}
	:: else
	fi;
	atomic {
		if
		:: st == ms && mep <= me && step == mp ->
			if
			:: UNDOABLE(ms) -> st = FAILED; mep = me
#ifdef ONLINE
				; kept = (ms == FAILED -> kept : (ms == CATCHING_UP || ms == READY || ms == SWITCHING))
#endif
			:: past -> st = RETAINED; step = PLAIN; mep = me
			:: else -> mep = me
			fi
		:: else
		fi
	}
	goto session;

gone:
	atomic { left = 0; alone = alone || id == 0; leaves() }
}

init {
	atomic {
#ifdef HOLDS
		hold = 1;
#endif
#ifdef FROM_RETAINED
		/* What a move leaves that has come to retained. */
		lep = 1; mep = 1; sep[S] = 1; sep[T] = 1;
		cleanup[S] = 1; cleanup[T] = 1; guard[S] = 1; guard[T] = 1; begun = 1;
		fence[S] = MOVED; fence[T] = OPEN;
		ptr = T; st = RETAINED;
#endif
#if RC + RR > 1
		run Writer(1, RR > 0);
#endif
		run Writer(0, RC == 0);
		run Owner(0);
		run Owner(1)
	}
}
