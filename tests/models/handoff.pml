/* SPDX-License-Identifier: MIT
 *
 * The hand-off of src/pool: how models go from borrower to borrower, and how a pool is closed.
 *
 * What stands for what:
 *
 *     take_as_anyone, put, take, shut_gate   pool/idle.h
 *     enter, leave, permit                   sync/lock.h, sync/parker.h
 *     decide, wake                           sync/waiter.h: waiter_decide, waiters_wake
 *     settle, survey, drained                pool/settle.c
 *     borrow                                 pool/acquire.c: lend__acquire, arrive,
 *                                            sleep_until_verdict, leave
 *     put_back, to_keeper                    pool/release.c
 *     keeper                                 pool/keeper.c: pick, replace, check
 *     closer                                 pool/close.c: begin, wait_until_drained, give_up
 *     outsider                               pool/operate.c: set_suspended,
 *                                            pool/acquire.c: lend__acquire_cancel
 *
 * Steps. What a thread does without the lock goes access by access: the word is read, the link of
 * the top is read, the word is swapped; a life is changed, a model is put. A region is cut where it
 * meets those: between its looks at the idle word while the gate is open. The rest of it is one
 * step, since the lock keeps other regions out, and a shut gate the fast paths. A swap that fails
 * begins anew, so one that depends on nothing but the word is one step. The word's tag counts for
 * ever; what a swap learns from it is whether the word was changed since it was read, and that is
 * what is kept here (`fresh`), so that the states are finitely many.
 *
 * What is checked:
 *
 *     WHOLE   a slot is in one place (`place`); at the end it is on the stack or with the keeper
 *     GATE, WORK, HOPE, CLOSED   pool/state.h, at the end of each region
 *     FAIR    who gets a model has nobody before him who was queued when he came (`before`)
 *     ONCE    each waiter is decided once, and leaves with a verdict
 *     WAKE    each wake finds its waiter there, and finds it once
 *     FREED   nobody touches a pool that was freed
 *     ENDS    everybody gets to his end: there is no other end state. A patient waiter has no
 *             deadline that would save him.
 *
 * NT borrowers make ROUNDS borrows each from SZ models; BREAKS models break, FAILS loads fail and
 * CHECKS checks are made in all; WITH_CLOSER and WITH_OUTSIDER add those. Each BUG_ macro seeds a
 * bug that must be found: check_models.sh has the list. */
#ifndef NT
#define NT 2
#endif
#ifndef SZ
#define SZ 1
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif
#ifndef BREAKS
#define BREAKS 1
#endif
#ifndef FAILS
#define FAILS 1
#endif
#ifndef CHECKS
#define CHECKS 0
#endif

#define NONE 15
#define KEEPER NT
#define CLOSER (NT + 1)
#define BIT(who) (1 << (who))

mtype = { WAITING, GRANTED, TIMED_OUT, CANCELLED, CLOSED, BROKEN };
mtype = { FREE, LENT, RETIRING, LOADING, LOST };

/* the idle word and the slots */
byte top = 0;
bool shut = false;
byte fresh = 0; /* bits: the word is as it was when he read it last */
byte next[SZ];
mtype state[SZ] = FREE;

/* under the lock */
bool locked = false;
bool closing = false, suspended = false, hopeless = false, closer_waits = false, asked = false;
bool tenant = false;
bool linked = false; /* borrower 0 can be called off */
byte failed = 0;     /* bits: the last load of this slot failed */
byte visitors = 0;   /* bits */
byte mending = NONE;
byte queue[NT];
byte queued = 0;
mtype verdict[NT] = TIMED_OUT;
byte granted[NT]; /* the slot */

bool permit[NT + 2]; /* of the parkers */

/* what only an onlooker knows */
byte place[SZ] = NONE; /* NONE: on the stack; else who has it */
bool here[NT];         /* the waiter's memory is there */
byte seen = 0;         /* bits: waits, since a region that is over */
byte before[NT];       /* bits: was seen waiting when he came, and still is */
byte entering = 0;     /* in a call that close does not know of yet */
bool being_closed = false, freed = false, keeper_ended = false;
byte breaks = BREAKS, fails = FAILS, checks = CHECKS;
byte borrowers_left = NT;

/* -- pool/idle.h -- */

#ifdef BUG_NO_TAG
#define unchanged(me) (top == seen_top && !shut)
#else
#define unchanged(me) ((fresh & BIT(me)) != 0)
#endif

inline read_word() {
    assert(!freed);
    seen_top = (shut -> NONE : top);
    fresh = fresh | BIT(me)
}

/* `slot` is his, or NONE. */
inline take_as_anyone() {
    atomic { read_word() };
    do
    :: seen_top == NONE -> break
    :: else ->
        d_step { assert(!freed); below = next[seen_top] };
        atomic {
            assert(!freed);
            if
            :: unchanged(me) ->
                assert(place[seen_top] == NONE);
                assert(before[me] == 0);
                place[seen_top] = me;
                slot = seen_top;
                assert(below == NONE || place[below] == NONE);
                top = below;
                fresh = 0;
                entering--;
                break
            :: else -> read_word()
            fi
        }
    od;
    atomic { seen_top = 0; below = 0 }
}

inline take(who) {
    slot = top;
    if
    :: top != NONE ->
        assert(place[slot] == NONE);
        place[slot] = who;
        top = next[slot];
        fresh = 0
    :: else
    fi
}

inline put(who) {
    assert(!freed && place[slot] == who);
    place[slot] = NONE;
    next[slot] = top;
    top = slot;
    fresh = 0
}

inline set_gate(gate) {
    if
    :: shut != (gate) -> shut = (gate); fresh = 0
    :: else
    fi
}

/* -- sync -- */

#define enter() !locked; locked = true; assert(!freed)

inline leave() {
    assert(!freed);
    assert(shut == (closing || suspended || queued > 0)); /* GATE */
    assert(suspended || queued == 0 || top == NONE);      /* WORK */
    assert(!hopeless || queued == 0);                     /* HOPE */
    locked = false
}

/* Each waiter that was decided is given its one wake, one after the other. */
inline wake() {
    do
    :: woken != 0 ->
        d_step {
            w = 0;
            do
            :: (woken & BIT(w)) == 0 -> w++
            :: else -> break
            od;
            assert(here[w] && !permit[w]);
            permit[w] = true;
            woken = woken & ~BIT(w);
            w = 0
        }
    :: else -> break
    od
}

/* -- pool/settle.c -- */

inline unqueue(who) {
    i = 0;
    j = 0;
    do
    :: i < queued ->
        if
        :: queue[i] == who
        :: else -> queue[j] = queue[i]; j++
        fi;
        i++
    :: else -> break
    od;
    queued = j;
    queue[j] = 0;
    i = 0;
    j = 0
}

/* Nobody is behind him any more. */
inline decide(who, as) {
    assert(verdict[who] == WAITING);
    unqueue(who);
    verdict[who] = as;
    seen = seen & ~BIT(who);
    i = 0;
    do
    :: i < NT -> before[i] = before[i] & ~BIT(who); i++
    :: else -> break
    od;
    i = 0
}

inline dismiss(as) {
    do
    :: queued > 0 -> w = queue[0]; decide(w, as); woken = woken | BIT(w); w = 0
    :: else -> break
    od
}

inline survey() {
    hopeless = true;
    i = 0;
    do
    :: i < SZ ->
        hopeless = hopeless &&
            (state[i] == LOADING || state[i] == LOST) && (failed & BIT(i)) != 0;
        i++
    :: else -> break
    od;
    i = 0;
#ifndef BUG_FORGOTTEN
    if
    :: hopeless -> dismiss(BROKEN)
    :: else
    fi
#endif
}

#ifdef BUG_TRUST_FREE
#define is_idle(slot) (state[slot] == FREE)
#else
#define is_idle(slot) (place[slot] == NONE)
#endif
#ifdef BUG_NO_VISITORS
#define nobody_inside true
#else
#define nobody_inside (visitors == 0)
#endif

inline look_if_drained() {
    drained = closing && mending == NONE && nobody_inside && !tenant;
    i = 0;
    do
    :: i < SZ ->
        drained = drained && (is_idle(i) || state[i] == RETIRING || state[i] == LOST);
        i++
    :: else -> break
    od;
    i = 0
}

inline tell_closer() {
    look_if_drained();
    permit[CLOSER] = permit[CLOSER] || (closer_waits && drained);
    drained = false
}

#ifdef BUG_YOUNGEST
#define next_waiter queue[queued - 1]
#else
#define next_waiter queue[0]
#endif

/* With the gate as it has to be while somebody waits; `slot` is used and spoiled. */
inline grant_all() {
    do
    :: queued > 0 && !suspended && top != NONE ->
        w = next_waiter;
        assert(!closing && before[w] == 0);
        take(w);
        state[slot] = LENT;
        granted[w] = slot;
        decide(w, GRANTED);
        woken = woken | BIT(w);
        w = 0;
        slot = NONE
    :: else -> break
    od
}

inline settle() {
    grant_all();
    set_gate(closing || suspended || queued > 0);
    tell_closer()
}

/* -- pool/acquire.c -- */

/* The rule of lend_pool_close: no call may begin on a pool that may be closed meanwhile. */
inline begin_call() {
    atomic {
        !being_closed || freed;
        if
        :: freed -> goto over
        :: else -> entering++; before[me] = seen
        fi
    }
}

/* Unless he leaves with a verdict, the lock is still held. Between the look at the stack and the
 * gate, somebody may put a model on it. */
inline arrive() {
    atomic {
        enter();
        here[me] = true;
        visitors = visitors | BIT(me);
        entering--;
        if
        :: queued == 0 && !suspended && !closing -> take(me)
        :: else
        fi;
        if
        :: slot != NONE -> assert(before[me] == 0); verdict[me] = GRANTED; granted[me] = slot
        :: slot == NONE && closing -> verdict[me] = CLOSED
        :: slot == NONE && !closing && me == 0 && asked -> verdict[me] = CANCELLED
        :: slot == NONE && !closing && hopeless -> verdict[me] = BROKEN
        :: else -> verdict[me] = WAITING
        fi;
        if
        :: slot != NONE -> state[slot] = LENT; slot = NONE
        :: else
        fi;
        if
        :: verdict[me] != WAITING -> leave()
        :: else
        fi
    }
}

inline queue_up() {
    d_step {
        queue[queued] = me;
        queued++;
        linked = linked || me == 0;
#ifndef BUG_GATE_LATE
        set_gate(true)
#endif
    };
#ifdef BUG_GATE_LATE
    d_step { grant_all() };
#define settle_late() set_gate(closing || suspended || queued > 0); tell_closer()
#else
#define settle_late() settle()
#endif
    d_step {
        settle_late();
        seen = seen | (verdict[me] == WAITING -> BIT(me) : 0);
        leave()
    };
    wake()
}

#ifdef BUG_FINISH
#define finish() skip
#else
#define finish() atomic { permit[me] -> permit[me] = false }
#endif

/* At the deadline he decides himself, unless somebody was faster. */
inline time_out() {
    atomic {
        enter();
        late = (verdict[me] != WAITING);
        if
        :: late
        :: else ->
            decide(me, TIMED_OUT);
#ifndef BUG_NO_SETTLE
            settle()
#endif
        fi;
        leave()
    };
    wake();
    if
    :: late ->
        finish();
#ifdef BUG_DROP_GRANT
        verdict[me] = TIMED_OUT
#endif
    :: else
    fi;
    late = false
}

inline sleep_until_verdict() {
    if
    :: patient = true
    :: patient = false
    fi;
    if
    :: atomic { permit[me] -> permit[me] = false }
    :: !patient -> time_out()
    fi;
    atomic { patient = false; assert(verdict[me] != WAITING) }
}

inline leave_slow_path() {
    atomic {
        enter();
        slot = (verdict[me] == GRANTED -> granted[me] : NONE);
        granted[me] = 0;
        verdict[me] = TIMED_OUT;
        linked = linked && me != 0;
        visitors = visitors & ~BIT(me);
#ifndef BUG_QUIET_LEAVE
        tell_closer();
#endif
        leave()
    };
    d_step { assert(!permit[me]); here[me] = false; before[me] = 0 }
}

inline borrow() {
    begin_call();
    take_as_anyone();
    if
    :: slot != NONE -> state[slot] = LENT
    :: else ->
        arrive();
        if
        :: verdict[me] == WAITING -> queue_up(); sleep_until_verdict()
        :: else
        fi;
        leave_slow_path()
    fi
}

/* -- pool/release.c -- */

#ifdef BUG_PUT_PAST
#define bars false
#else
#define bars shut
#endif

inline put_back() {
    state[slot] = FREE;
    d_step {
        assert(!freed);
        late = bars;
        if
        :: late
        :: else -> put(me); slot = NONE
        fi
    };
    if
    :: late ->
#ifdef BUG_WAKE_FIRST
        atomic { queued > 0 -> permit[queue[0]] = true };
        atomic { enter(); put(me); settle(); woken = 0; leave() };
#else
        atomic { enter(); put(me); settle(); leave() };
#endif
        wake()
    :: else
#ifdef BUG_LATE_LOOK
        -> assert(!freed)
#endif
    fi;
    late = false
}

inline to_keeper() {
    atomic {
        enter();
        state[slot] = RETIRING;
        place[slot] = KEEPER;
        survey();
        settle();
#ifndef BUG_KEEPER_ASLEEP
        permit[KEEPER] = true;
#endif
        leave()
    };
    wake()
}

proctype borrower(byte me) {
    byte rounds = 0, slot = NONE, seen_top = 0, below = 0, woken = 0, i = 0, j = 0, w = 0;
    bool late = false, patient = false, drained = false;
    do
    :: rounds < ROUNDS ->
        rounds++;
        borrow();
        if
        :: slot == NONE
        :: slot != NONE -> assert(place[slot] == me); put_back()
        :: atomic { slot != NONE && breaks > 0 -> breaks-- }; to_keeper()
        fi;
        slot = NONE
    :: else -> break
    od;
over:
    borrowers_left--
}

/* -- pool/keeper.c -- */

inline find(which) {
    slot = 0;
    do
    :: slot < SZ && state[slot] != which -> slot++
    :: else -> break
    od;
    slot = (slot < SZ -> slot : NONE)
}

/* What lies below the top is unlinked from the one above it. */
inline take_any() {
    slot = top;
    if
    :: true -> top = next[slot]; fresh = 0
    :: next[slot] != NONE -> slot = next[slot]; next[top] = next[slot]
    fi;
    assert(place[slot] == NONE);
    place[slot] = KEEPER;
    state[slot] = LOADING
}

inline pick() {
    atomic {
        enter();
        if
        :: closing -> leave(); goto over
        :: else
        fi;
        find(RETIRING);
        if
        :: slot == NONE -> find(LOST)
        :: else
        fi;
        if
        :: slot == NONE && checks > 0 ->
            checks--;
#ifndef BUG_OPEN_REMOVE
            set_gate(true);
#endif
            if
            :: top != NONE -> take_any(); checking = true
            :: else
            fi
        :: else
        fi
    };
    atomic {
        mending = slot;
        survey();
        settle();
        slot = mending;
        leave()
    };
    wake()
}

inline end_chore() {
    mending = NONE;
    survey();
    settle();
    slot = NONE;
    leave()
}

inline replace() {
    atomic { enter(); state[slot] = LOADING; survey(); leave() };
    wake();
    if
    :: atomic { fails > 0 -> enter(); fails--; failed = failed | BIT(slot); state[slot] = LOST;
           end_chore() }
    :: atomic { enter(); failed = failed & ~BIT(slot); state[slot] = FREE; put(KEEPER);
           end_chore() }
    fi
}

inline check() {
    if
    :: atomic { enter(); state[slot] = FREE; put(KEEPER); end_chore() }
    :: atomic { enter(); state[slot] = RETIRING; end_chore() }
    fi;
    checking = false
}

proctype keeper() {
    byte slot = NONE, woken = 0, i = 0, j = 0, w = 0;
    bool drained = false, checking = false;
again:
    pick();
    if
    :: slot != NONE && checking -> check(); wake()
    :: slot != NONE && !checking -> replace(); wake()
    :: else ->
end_asleep:
        if
        :: atomic { permit[KEEPER] -> permit[KEEPER] = false }
        :: checks > 0
        fi
    fi;
    goto again;
over:
    keeper_ended = true
}

/* -- pool/close.c: a close that may give up, and then one that does not -- */

proctype closer() {
    byte slot = NONE, woken = 0, i = 0, j = 0, w = 0;
    bool patient = false, awake = false, drained = false;
again:
    atomic { entering == 0 -> being_closed = true };
    atomic {
        enter();
        closer_waits = true;
        closing = true;
#ifndef BUG_CLOSE_FORGETS
        dismiss(CLOSED);
#endif
        settle();
        permit[KEEPER] = true;
        leave()
    };
    wake();
    do
    :: true ->
        if
        :: atomic { permit[CLOSER] -> permit[CLOSER] = false; awake = true }
        :: !patient -> awake = false
        fi;
        atomic { enter(); look_if_drained(); leave() };
        if
        :: drained || !awake -> break
        :: else
        fi
    od;
    if
    :: drained -> atomic { keeper_ended -> freed = true }
    :: else ->
        atomic { enter(); closer_waits = false; leave() };
        d_step { patient = true; being_closed = false; permit[CLOSER] = false };
        goto again
    fi
}

/* -- somebody else who has a say: a tenant while he has -- */

inline call_off() {
#ifdef BUG_TWICE
#define undecided(who) true
#else
#define undecided(who) (verdict[who] == WAITING)
#endif
    asked = true;
    if
    :: linked && undecided(0) ->
        assert(here[0]);
#ifdef BUG_CANCEL_QUEUED
        verdict[0] = CANCELLED;
#else
        decide(0, CANCELLED);
#endif
        woken = woken | BIT(0)
    :: else
    fi
}

proctype outsider() {
    byte slot = NONE, woken = 0, i = 0, j = 0, w = 0;
    bool drained = false;
    atomic { enter(); suspended = true; settle(); leave() };
    atomic { enter(); suspended = false; settle(); leave() };
    wake();
    atomic { enter(); call_off(); settle(); leave() };
    wake();
    atomic { enter(); tenant = false; tell_closer(); leave() }
}

init {
    byte k = 0;
    atomic {
        do
        :: k < SZ -> next[k] = (k + 1 < SZ -> k + 1 : NONE); k++
        :: else -> break
        od;
        k = 0;
        do
        :: k < NT -> run borrower(k); k++
        :: else -> break
        od;
        run keeper();
#ifdef WITH_OUTSIDER
        tenant = true;
        run outsider();
#endif
#ifdef WITH_CLOSER
        run closer()
#endif
    };
    /* WHOLE, once all is quiet */
    atomic {
        timeout;
        assert(borrowers_left == 0 && visitors == 0 && queued == 0 && entering == 0);
        k = 0;
        do
        :: k < SZ -> assert(place[k] == NONE || place[k] == KEEPER); k++
        :: else -> break
        od;
#ifdef WITH_CLOSER
        assert(freed)
#endif
    }
}
