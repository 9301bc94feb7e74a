/* SPDX-License-Identifier: MIT
 *
 * The hand-off of src/pool: how models go from borrower to borrower, and how a pool is closed.
 *
 * What stands for what:
 *
 *     take_open, put_open, shut_all    pool/gate.h: gate_take, gate_put; lend__pool_shut
 *     enter, leave, permit             sync/lock.h, sync/parker.h
 *     decide, wake                     sync/waiter.h: waiter_decide, lend__waiters_wake
 *     move, settle, survey, drained    pool/settle.c
 *     borrow, leave_lent               pool/acquire.c: acquire_any, arrive, sleep_until_verdict,
 *                                      leave
 *     put_back, to_keeper              pool/release.c
 *     keeper                           pool/keeper.c: pick, take_idle, replace, check
 *     closer                           pool/close.c: begin, wait_until_drained, give_up
 *     outsider                         pool/operate.c: set_suspended,
 *                                      pool/acquire.c: lend__acquire_cancel
 *
 * Steps. What touches a life that is open is a step of its own: a take, a put, and each shutting of
 * one. The rest of a region is one step, since the lock keeps other regions out and shut lives the
 * fast paths. A swap that fails begins anew or finds the life as it must not be, so it is one step
 * too. A life is never the same twice, so no swap takes one that came back for one that stayed. A
 * borrower may give up his walk over the slots at any of them: he saw the pool's gate, or each slot
 * a moment before it was opened again.
 *
 * What is checked:
 *
 *     WHOLE   who takes a slot takes it from nobody (`place`); in the end nobody has one
 *     GATE, LISTS, WORK, HOPE, CLOSED   pool/state.h, at the end of each region
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

/* the slots: each has a life, which is {state, shut}, and is in one of two lists or in none */
mtype state[SZ] = FREE;
bool shut[SZ];
byte open = BIT(SZ) - 1; /* bits: these two are under the lock */
byte idle = 0;

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
byte place[SZ] = NONE; /* who has it */
bool here[NT];         /* the waiter's memory is there */
byte seen = 0;         /* bits: waits, since a region that is over */
byte before[NT];       /* bits: was seen waiting when he came, and still is */
byte entering = 0;     /* in a call that close does not know of yet */
bool being_closed = false, freed = false, keeper_ended = false;
byte breaks = BREAKS, fails = FAILS, checks = CHECKS;
byte borrowers_left = NT;

/* -- pool/gate.h -- */

#ifdef BUG_TAKE_PAST
#define may_take(i) (state[i] == FREE)
#else
#define may_take(i) (state[i] == FREE && !shut[i])
#endif
#ifdef BUG_PUT_PAST
#define may_put(i) true
#else
#define may_put(i) (!shut[i])
#endif

/* `slot` is his, or NONE. */
inline take_open() {
    do
    :: turn < SZ && slot == NONE ->
        atomic {
            assert(!freed);
            turn++;
            k = (me + turn) % SZ;
            if
            :: may_take(k) ->
                assert(place[k] == NONE && before[me] == 0);
                state[k] = LENT;
                place[k] = me;
                slot = k;
                entering--
            :: true
            fi;
            k = 0
        }
    :: else -> break
    od;
    turn = 0
}

/* `done`: it is not his any more. */
inline put_open() {
    d_step {
        assert(!freed && place[slot] == me);
        done = may_put(slot);
        state[slot] = (done -> FREE : LENT);
        place[slot] = (done -> NONE : me)
    }
}

/* -- sync -- */

#define enter() !locked; locked = true; assert(!freed)

#define is_to_be_shut (closing || suspended || queued > 0)

inline leave() {
    assert(!freed);
    assert(suspended || queued == 0 || idle == 0); /* WORK */
    assert(!hopeless || queued == 0);              /* HOPE */
    i = 0;
    do
    :: i < SZ ->
        assert(shut[i] || (!is_to_be_shut && (state[i] == FREE || state[i] == LENT))); /* GATE */
        assert(is_to_be_shut || !shut[i] || state[i] != FREE);
        assert(((open & BIT(i)) != 0) == !shut[i]); /* LISTS */
        assert(((idle & BIT(i)) != 0) == (shut[i] && state[i] == FREE));
        i++
    :: else -> break
    od;
    i = 0;
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
        drained = drained && (state[i] == FREE || state[i] == RETIRING || state[i] == LOST);
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

inline move(slot, to) {
    open = open & ~BIT(slot);
    shut[slot] = true;
    state[slot] = to;
    idle = (to == FREE -> idle | BIT(slot) : idle & ~BIT(slot))
}

/* `slot` of the idle ones is his. */
inline take_idle(who) {
    slot = 0;
    do
    :: (idle & BIT(slot)) == 0 -> slot++
    :: else -> break
    od;
    idle = idle & ~BIT(slot);
    assert(place[slot] == NONE && before[who] == 0);
    place[slot] = who;
    state[slot] = LENT;
    granted[who] = slot;
    slot = NONE
}

/* All that are open, one after the other; who takes or puts back in between was here before. */
inline shut_all() {
    do
    :: open != 0 ->
        atomic {
            k = 0;
            do
            :: (open & BIT(k)) == 0 -> k++
            :: else -> break
            od;
            open = open & ~BIT(k)
        };
#ifdef BUG_LOOK_FIRST
        was_free = (state[k] == FREE);
#else
#define was_free (state[k] == FREE)
#endif
        atomic {
            idle = idle | (was_free -> BIT(k) : 0);
#ifdef BUG_LENT_OPEN
            shut[k] = was_free;
#else
            shut[k] = true;
#endif
            k = 0
        }
    :: else -> break
    od
}

#ifdef BUG_YOUNGEST
#define next_waiter queue[queued - 1]
#else
#define next_waiter queue[0]
#endif

/* Who has been lent a model does nothing more with the pool as a borrower. */
inline leave_lent(who) {
#ifndef BUG_STAYS_LINKED
    linked = linked && who != 0;
#endif
#ifndef BUG_STAYS_INSIDE
    visitors = visitors & ~BIT(who)
#endif
}

/* With all shut that is to be shut; `slot` is used and spoiled. */
inline settle_shut() {
    do
    :: queued > 0 && idle != 0 && !suspended ->
        w = next_waiter;
        assert(!closing);
        take_idle(w);
        decide(w, GRANTED);
        leave_lent(w);
        woken = woken | BIT(w);
        w = 0
    :: else -> break
    od;
    i = 0;
#ifndef BUG_STAYS_SHUT
    do
    :: i < SZ && !is_to_be_shut ->
        if
        :: (idle & BIT(i)) != 0 -> idle = idle & ~BIT(i); open = open | BIT(i); shut[i] = false
        :: else
        fi;
        i++
    :: else -> break
    od;
    i = 0;
#endif
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

inline arrive() {
    atomic {
        enter();
        here[me] = true;
        visitors = visitors | BIT(me);
        entering--;
        verdict[me] = (closing -> CLOSED : (me == 0 && asked -> CANCELLED : WAITING))
    };
    if
    :: verdict[me] == WAITING && queued == 0 && !suspended ->
        shut_all();
        atomic {
            if
            :: idle != 0 -> take_idle(me); verdict[me] = GRANTED; leave_lent(me)
            :: else
            fi
        }
    :: else
    fi;
    atomic {
        if
        :: verdict[me] == WAITING && hopeless -> verdict[me] = BROKEN
        :: verdict[me] == WAITING && !hopeless ->
            queue[queued] = me;
            queued++;
            waits = true;
            linked = linked || me == 0
        :: else
        fi
    };
    if
    :: is_to_be_shut -> shut_all()
    :: else
    fi;
    atomic {
        settle_shut();
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
            settle_shut()
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
    if
    :: atomic {
           verdict[me] == GRANTED ->
           slot = granted[me];
           granted[me] = 0;
           verdict[me] = TIMED_OUT
       }
    :: atomic {
           verdict[me] != GRANTED ->
           enter();
           verdict[me] = TIMED_OUT;
           linked = linked && me != 0;
           visitors = visitors & ~BIT(me);
#ifndef BUG_QUIET_LEAVE
           tell_closer();
#endif
           leave()
       }
    fi;
    d_step { assert(!permit[me]); here[me] = false; before[me] = 0; waits = false }
}

inline borrow() {
    begin_call();
    take_open();
    if
    :: slot != NONE
    :: else ->
        arrive();
        if
        :: waits -> sleep_until_verdict()
        :: else
        fi;
        leave_slow_path()
    fi
}

/* -- pool/release.c -- */

inline put_back() {
    put_open();
    if
    :: !done ->
#ifdef BUG_WAKE_FIRST
        atomic { queued > 0 -> permit[queue[0]] = true };
        atomic { enter(); place[slot] = NONE; move(slot, FREE); settle_shut(); woken = 0; leave() };
#else
        atomic { enter(); place[slot] = NONE; move(slot, FREE); settle_shut(); leave() };
#endif
        wake()
    :: else
#ifdef BUG_LATE_LOOK
        -> assert(!freed)
#endif
    fi;
    done = false
}

inline to_keeper() {
    atomic {
        enter();
        move(slot, RETIRING);
        place[slot] = NONE;
        survey();
        settle_shut();
#ifndef BUG_KEEPER_ASLEEP
        permit[KEEPER] = true;
#endif
        leave()
    };
    wake()
}

proctype borrower(byte me) {
    byte rounds = 0, slot = NONE, turn = 0, woken = 0, i = 0, j = 0, k = 0, w = 0;
    bool done = false, late = false, waits = false, patient = false, drained = false;
#ifdef BUG_LOOK_FIRST
    bool was_free = false;
#endif
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

/* Any that is idle. */
inline take_any() {
    slot = 0;
    do
    :: (idle >> (slot + 1)) != 0 -> slot++
    :: (idle & BIT(slot)) != 0 -> break
    od;
    assert(place[slot] == NONE);
    move(slot, LOADING)
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
        checking = (slot == NONE && checks > 0)
    };
    if
    :: checking ->
#ifdef BUG_CHECK_OPEN
        atomic { find(FREE) };
        atomic {
            checks--;
            checking = (slot != NONE);
            if
            :: checking -> move(slot, LOADING)
            :: else
            fi
        }
#else
        shut_all();
        atomic {
            checks--;
            checking = (idle != 0);
            if
            :: checking -> take_any()
            :: else
            fi
        }
#endif
    :: else
    fi;
    atomic {
        mending = slot;
        survey();
        settle_shut();
        slot = mending;
        leave()
    };
    wake()
}

inline end_chore() {
    mending = NONE;
    survey();
    settle_shut();
    slot = NONE;
    leave()
}

inline replace() {
    atomic { enter(); move(slot, LOADING); survey(); leave() };
    wake();
    if
    :: atomic { fails > 0 -> enter(); fails--; failed = failed | BIT(slot); move(slot, LOST);
           end_chore() }
    :: atomic { enter(); failed = failed & ~BIT(slot); move(slot, FREE); end_chore() }
    fi
}

inline check() {
    if
    :: atomic { enter(); move(slot, FREE); end_chore() }
    :: atomic { enter(); move(slot, RETIRING); end_chore() }
    fi;
    checking = false
}

proctype keeper() {
    byte slot = NONE, woken = 0, i = 0, j = 0, k = 0, w = 0;
    bool drained = false, checking = false;
#ifdef BUG_LOOK_FIRST
    bool was_free = false;
#endif
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
    byte slot = NONE, woken = 0, i = 0, j = 0, k = 0, w = 0;
#ifdef BUG_LOOK_FIRST
    bool was_free = false;
#endif
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
        permit[KEEPER] = true
    };
#ifndef BUG_CLOSE_OPEN
    shut_all();
#endif
    atomic { settle_shut(); leave() };
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
    :: linked ->
        assert(here[0]);
        if
        :: undecided(0) ->
#ifdef BUG_CANCEL_QUEUED
            verdict[0] = CANCELLED;
#else
            decide(0, CANCELLED);
#endif
            woken = woken | BIT(0)
        :: else
        fi
    :: else
    fi
}

proctype outsider() {
    byte slot = NONE, woken = 0, i = 0, j = 0, k = 0, w = 0;
    bool drained = false;
#ifdef BUG_LOOK_FIRST
    bool was_free = false;
#endif
    atomic { enter(); suspended = true };
    shut_all();
    atomic { settle_shut(); leave() };
    atomic { enter(); suspended = false; settle_shut(); leave() };
    wake();
    atomic { enter(); call_off(); settle_shut(); leave() };
    wake();
    atomic { enter(); tenant = false; tell_closer(); leave() }
}

init {
    byte k = 0;
    atomic {
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
        :: k < SZ -> assert(place[k] == NONE); k++
        :: else -> break
        od;
#ifdef WITH_CLOSER
        assert(freed)
#endif
    }
}
