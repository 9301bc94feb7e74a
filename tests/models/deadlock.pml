/* SPDX-License-Identifier: MIT
 *
 * The watch of src/pool: which wait is refused because it could not end.
 *
 * What stands for what:
 *
 *     show_wait, hide_wait, judge, refuse   pool/watch.c, pool/deadlock.c: refuse
 *     may_end                               pool/deadlock.c: may_end, all_holders_wait, slot_holder
 *     borrow, settle                        pool/acquire.c, pool/settle.c
 *     give_back                             pool/release.c: put_back
 *     shrinker                              pool/keeper.c: find_excess, empty
 *
 * Steps. handoff.pml is the model of the gates; here all of a pool's are one, and a look at them is
 * one step with what it leads to. Who has taken a slot says so a step later, and the walk looks at
 * one slot a step, with the pool's lock held.
 *
 * Threads borrow from either of two pools, and again while they hold a model; a wait has a deadline
 * (1 is before 2) or none. The onlooker knows the truth at each moment, and checks:
 *
 *     TRUE    a wait is refused only if nothing could have ended it before its own deadline
 *     BORN    whenever the watch is left, everybody who waits, and was walked from, can be reached
 *             by somebody who runs: a deadlock is refused when it is born
 *     ONCE    each wait is decided once, and while it is queued
 *     HERE    the watch looks at no wait whose memory is gone
 *     ENDS    everybody gets to his end, without a deadline too
 *
 * NT threads make ROUNDS turns each; S0 and S1 are the sizes of the pools; TIMED lets waits have
 * deadlines; SHRINK takes a model away from the first pool. Each BUG_ macro seeds a bug that must
 * be found: check_models.sh has the list. */
#ifndef NT
#define NT 2
#endif
#ifndef ROUNDS
#define ROUNDS 1
#endif
#ifndef S0
#define S0 1
#endif
#ifndef S1
#define S1 1
#endif

#define SLOTS (S0 + S1)
#define pool_of(slot) ((slot) < S0 -> 0 : 1)
#define NONE 15
#define FOREVER 3
#define BIT(who) (1 << (who))

mtype = { RUNS, WAITING, GRANTED, TIMED_OUT, DEADLOCK };
mtype = { FREE, LENT, RETIRING, ABSENT };

/* slots */
mtype state[SLOTS] = FREE;
bool told[SLOTS];           /* whose it is; the lease began without saying so */
byte owner[SLOTS] = NONE;   /* of the last lease that was told */
byte idle = BIT(SLOTS) - 1; /* bits: free */

/* pools; under their locks, but for the gates */
bool shut[2];
bool locked[2];
byte queue[2 * NT];
byte queued[2];
bool excess = false; /* the first pool has one slot too many */

/* waits */
mtype verdict[NT] = RUNS;
byte target[NT];
byte deadline[NT];
byte held[NT];

/* under the watch's lock */
bool watched = false;
byte shown = 0; /* bits */

byte now = 0; /* the latest deadline that somebody has acted on */

/* what only an onlooker knows */
bool here[NT];        /* the wait's memory is there */
byte unjudged = 0;    /* bits: waits, and will yet be walked from */
bool reviewing = false;
byte ended = 0;

#define idle_of(p) (idle & ((p) == 0 -> BIT(S0) - 1 : (BIT(S1) - 1) << S0))

/* -- the truth: could `who` be let go, if nobody whose deadline is `by` or later gives up? -- */

#define is_stuck(who) (verdict[who] == WAITING && (unjudged & BIT(who)) == 0)

inline find_hope(who, by, hope) {
    hope = false;
    reached = BIT(who);
    walked = 0;
    do
    :: reached != walked && !hope ->
        t = 0;
        do
        :: ((reached & ~walked) & BIT(t)) == 0 -> t++
        :: else -> break
        od;
        walked = walked | BIT(t);
        if
        :: verdict[t] != WAITING || (t != who && deadline[t] < by) -> hope = true
        :: else ->
            s = 0;
            do
            :: s < SLOTS ->
                if
                :: pool_of(s) != target[t] || state[s] == ABSENT
                :: pool_of(s) == target[t] && state[s] == LENT && told[s] ->
                    reached = reached | BIT(owner[s])
                :: else -> hope = true
                fi;
                s++
            :: else -> break
            od
        fi
    :: else -> break
    od;
    reached = 0;
    walked = 0;
    t = 0;
    s = 0
}

/* BORN. Who will yet be walked from is not stuck so far, nor is anybody while a slot's end is to be
 * reviewed. */
inline nobody_is_stuck() {
    u = 0;
    do
    :: u < NT && unjudged == 0 && !reviewing ->
        if
        :: verdict[u] == WAITING -> find_hope(u, 0, hope); assert(hope)
        :: else
        fi;
        u++
    :: else -> break
    od;
    u = 0;
    hope = false
}

/* -- pools -- */

#define enter(p) !locked[p]; locked[p] = true
#define leave(p) locked[p] = false

inline unqueue(p, who) {
    i = 0;
    j = 0;
    do
    :: i < queued[p] ->
        if
        :: queue[(p) * NT + i] == who
        :: else -> queue[(p) * NT + j] = queue[(p) * NT + i]; j++
        fi;
        i++
    :: else -> break
    od;
    assert(j + 1 == queued[p]);
    queued[p] = j;
    queue[(p) * NT + j] = 0;
    i = 0;
    j = 0
}

inline decide(p, who, as) {
    assert(verdict[who] == WAITING);
    unqueue(p, who);
    verdict[who] = as
}

inline take(p) {
    slot = 0;
    do
    :: (idle_of(p) & BIT(slot)) == 0 -> slot++
    :: else -> break
    od;
    idle = idle & ~BIT(slot);
    state[slot] = LENT;
    told[slot] = false
}

inline tell(who) {
    owner[slot] = who;
    told[slot] = true
}

/* `slot` is used and spoiled. */
inline settle(p) {
    do
    :: queued[p] > 0 && idle_of(p) != 0 ->
        take(p);
        w = queue[(p) * NT];
        tell(w);
        decide(p, w, GRANTED);
        w = 0
    :: else -> break
    od;
    slot = NONE;
    shut[p] = queued[p] > 0 || ((p) == 0 && excess)
}

/* -- the watch -- */

#ifdef BUG_NO_LOCK
#define watch() skip
#define unwatch() skip
#else
#define watch() !watched; watched = true
#define unwatch() watched = false
#endif

#ifdef BUG_UNSHOWN_WAITS
#define is_unknown(who) false
#else
#define is_unknown(who) ((shown & BIT(who)) == 0)
#endif
#ifdef BUG_OWNER_BEFORE
#define is_untold(slot) (owner[slot] == NONE)
#else
#define is_untold(slot) (!told[slot])
#endif
#ifdef BUG_FREE_IS_GONE
#define is_gone(slot) (state[slot] != LENT)
#else
#define is_gone(slot) (state[slot] == ABSENT)
#endif

/* Whoever could end the wait of `x` is met, or `live` is true. */
inline may_end(x) {
    atomic { enter(target[x]); assert(here[x]); live = (verdict[x] != WAITING); y = 0 };
#ifdef BUG_TWO_REGIONS
    atomic { leave(target[x]); target[x] == target[x] };
    atomic { enter(target[x]) };
#endif
    do
    :: y < SLOTS && !live ->
        atomic {
            if
            :: pool_of(y) != target[x] || is_gone(y)
            :: else ->
                live = (state[y] != LENT || is_untold(y) || is_unknown(owner[y]));
                met = met | (live -> 0 : BIT(owner[y]))
            fi;
            y++
        }
    :: else -> break
    od;
    atomic { leave(target[x]); y = 0 }
}

#ifdef BUG_NEWEST
#define ends_before(x, other) false
#else
#define ends_before(x, other) (deadline[x] < deadline[other])
#endif

/* `victim` is to be refused, or NONE. */
inline judge(newest) {
    atomic { met = BIT(newest); gone = 0; live = false; victim = newest };
    do
    :: met != gone && !live ->
        atomic {
            x = 0;
            do
            :: ((met & ~gone) & BIT(x)) == 0 -> x++
            :: else -> break
            od;
            gone = gone | BIT(x)
        };
        may_end(x);
        atomic { victim = (ends_before(x, victim) -> x : victim) }
    :: else -> break
    od;
    atomic { victim = (live -> NONE : victim); met = 0; gone = 0; x = 0; live = false }
}

#ifdef BUG_REFUSE_BLIND
#define undecided(who) true
#else
#define undecided(who) (verdict[who] == WAITING)
#endif

inline refuse() {
    if
    :: victim != NONE ->
        atomic {
            enter(target[victim]);
            assert(here[victim]);
            if
            :: undecided(victim) ->
                find_hope(victim, deadline[victim], hope);
                assert(!hope || deadline[victim] <= now); /* TRUE */
                decide(target[victim], victim, DEADLOCK);
                settle(target[victim])
            :: else
            fi;
            leave(target[victim]);
            victim = NONE
        }
    :: else
    fi
}

inline show_wait() {
    atomic {
        watch();
#ifndef BUG_SHOWN_LATE
        shown = shown | BIT(me)
#endif
    };
    judge(me);
    refuse();
    atomic { shown = shown | BIT(me); unjudged = unjudged & ~BIT(me); nobody_is_stuck(); unwatch() }
}

inline hide_wait() {
    atomic { watch(); shown = shown & ~BIT(me); unwatch() }
}

/* -- borrowers -- */

#ifdef BUG_FILTER
#define may_be_awaited(who) (held[who] > 1)
#else
#define may_be_awaited(who) (held[who] > 0)
#endif

#define is_late(who) (deadline[who] != FOREVER)

inline queue_up() {
    queue[p * NT + queued[p]] = me;
    queued[p]++;
    shut[p] = true
}

/* He is queued already. */
inline wait() {
    if
    :: may_be_awaited(me) -> show_wait()
    :: else
    fi;
#ifdef BUG_SHOWN_EARLY
    atomic { enter(p); queue_up(); settle(p); leave(p) };
#endif
    if
    :: verdict[me] != WAITING
    :: is_late(me) ->
        atomic {
            enter(p);
            if
            :: verdict[me] == WAITING ->
                now = (now > deadline[me] -> now : deadline[me]);
                decide(p, me, TIMED_OUT);
                settle(p)
            :: else
            fi;
            leave(p)
        }
    fi;
#ifdef BUG_HIDDEN_LATE
    here[me] = false;
#endif
    if
    :: may_be_awaited(me) -> hide_wait()
    :: else
    fi;
    atomic {
        here[me] = false;
        held[me] = held[me] + (verdict[me] == GRANTED -> 1 : 0);
        verdict[me] = RUNS;
        deadline[me] = 0;
        target[me] = 0
    }
}

inline borrow() {
    if
    :: p = 0
    :: p = 1
    fi;
    by = FOREVER;
#ifdef TIMED
    if
    :: now < 1 -> by = 1
    :: now < 2 -> by = 2
    :: true
    fi;
#endif
    atomic {
        if
        :: !shut[p] && idle_of(p) != 0 -> take(p)
        :: else -> slot = NONE
        fi
    };
    if
    :: slot != NONE ->
        d_step { tell(me); held[me]++; slot = NONE; by = 0 }
    :: else ->
        atomic {
            enter(p);
            if
            :: queued[p] == 0 && idle_of(p) != 0 ->
                take(p);
                tell(me);
                held[me]++;
                slot = NONE;
                by = 0
            :: else ->
                here[me] = true;
                verdict[me] = WAITING;
                target[me] = p;
                deadline[me] = by;
                by = 0;
                unjudged = unjudged | (held[me] > 0 -> BIT(me) : 0);
#ifndef BUG_SHOWN_EARLY
                queue_up()
#endif
            fi;
            leave(p)
        };
        if
        :: verdict[me] != RUNS -> wait()
        :: else
        fi
    fi
}

/* The slots, one after the other. */
inline give_back() {
    z = 0;
    do
    :: z < SLOTS ->
        if
        :: state[z] == LENT && told[z] && owner[z] == me ->
            atomic {
                held[me]--;
                p = pool_of(z);
                if
                :: !shut[p] -> state[z] = FREE; idle = idle | BIT(z)
                :: else ->
                    enter(p);
                    if
                    :: p == 0 && excess -> excess = false; state[z] = RETIRING
                    :: else -> state[z] = FREE; idle = idle | BIT(z)
                    fi;
                    settle(p);
                    leave(p)
                fi
            }
        :: else
        fi;
        z++
    :: else -> break
    od;
    z = 0
}

proctype thread(byte me) {
    byte rounds = 0, p = 0, by = 0, slot = NONE, i = 0, j = 0, w = 0, z = 0;
    byte x = 0, y = 0, met = 0, gone = 0, victim = NONE;
    bool live = false;
    byte reached = 0, walked = 0, t = 0, s = 0, u = 0;
    bool hope = false;
    do
    :: rounds < ROUNDS ->
        rounds++;
        borrow();
        if
        :: held[me] == 1 -> borrow()
        :: true
        fi;
        give_back();
        p = 0
    :: else -> break
    od;
    ended++
}

/* -- a pool that is to have one model less -- */

proctype shrinker() {
    byte slot = NONE, i = 0, j = 0, w = 0;
    byte x = 0, y = 0, r = 0, met = 0, gone = 0, victim = NONE;
    bool live = false;
    byte reached = 0, walked = 0, t = 0, s = 0, u = 0;
    bool hope = false;
    atomic {
        enter(0);
        if
        :: idle_of(0) != 0 -> take(0); state[slot] = RETIRING
        :: else -> excess = true
        fi;
        settle(0);
        leave(0)
    };
    atomic { state[0] == RETIRING || state[1] == RETIRING; slot = (state[0] == RETIRING -> 0 : 1) };
    atomic { enter(0); state[slot] = ABSENT; reviewing = true; settle(0); leave(0) };
#ifndef BUG_NO_REVIEW
    atomic { watch() };
    do
    :: r < NT ->
        if
        :: (shown & BIT(r)) != 0 -> judge(r); refuse()
        :: else
        fi;
        r++
    :: else -> break
    od;
    atomic { reviewing = false; nobody_is_stuck(); unwatch() };
#endif
    reviewing = false
}

init {
    byte k = 0;
    atomic {
        do
        :: k < NT -> run thread(k); k++
        :: else -> break
        od;
#ifdef SHRINK
        run shrinker()
#endif
    };
    atomic { timeout; assert(ended == NT && queued[0] == 0 && queued[1] == 0 && shown == 0) }
}
