/* SPDX-License-Identifier: MIT
 *
 * The inbox of src/exec: how jobs come in without a lock, who is woken for them, how many fit, how
 * their deadlines are kept by somebody who does not hear of them, and how all of it is closed.
 *
 * What stands for what:
 *
 *     entered, shut, limit              exec/inbox.h: inbox_enter, inbox_enter_locked,
 *                                       inbox_set_gate, inbox_raise_limit
 *     inbox, mark                       exec/inbox.h: newest; inbox_push, inbox_take_all,
 *                                       inbox_post, inbox_recall
 *     enter, leave, permit              sync/lock.h, sync/parker.h
 *     absorb, accept, give_up, settle   exec/queue.c
 *     submitter                         exec/submit.c: submit, arrive, wait_for_room, leave,
 *                                       push_and_mind
 *     worker                            exec/worker.c: look, rest, come
 *     timekeeper                        exec/timekeeper.c: keep_time, pick, announce
 *     closer                            exec/close.c: begin, wait_until_drained, stop_all,
 *                                       lend__executor_end_threads
 *
 * Steps. Submitters touch three things without the lock: `entered` with the gate in it, the inbox
 * with the mark in it, and what the timekeeper said last. What a region does to one of the first
 * two is a step of its own; the rest of it goes with that, since the lock keeps other regions out.
 * The limit only rises, so to see it late is to find no room, which the lock sets right. What the
 * timekeeper said may be read late, as late as the orderings of src/sync/word.h allow: everything
 * that was said since somebody last changed `entered` before one entered (`heard`).
 *
 * What is checked:
 *
 *     ROOM, QUEUE, SENTRY   exec/state.h, at the end of each region; the bound at each entry
 *     TIMER   nothing is queued or runs undecided past its deadline
 *     TURN    who is started has nobody before him in the line; who enters has nobody before him
 *             who was waiting when he came
 *     WAKE    a worker is woken once for a sleep, and only as the sentry, and called only for a job
 *     ONCE    each job is decided once, and nothing starts once all is stopped
 *     FREED   nobody touches an executor that was freed, nor wakes a worker that has ended
 *     ENDS    everybody gets to his end, and so does each job: there is no other end state
 *
 * NS submitters submit ROUNDS jobs each to NW workers, and QMAX may wait; TIMED gives jobs deadlines
 * and adds the timekeeper, and WITH_CLOSER a close, which may lose its patience if there is a
 * timekeeper. Each BUG_ macro seeds a bug that must be found: check_models.sh has the list. */
#ifndef NS
#define NS 2
#endif
#ifndef NW
#define NW 1
#endif
#ifndef ROUNDS
#define ROUNDS 1
#endif
#ifndef QMAX
#define QMAX 0
#endif

#define JOBS (NS * ROUNDS)
#define NONE 15
#define BIT(who) (1 << (who))

/* parkers: the workers, then the submitters, then these two */
#define KEEPER (NW + NS)
#define CLOSER (NW + NS + 1)

/* times */
#define UP 0 /* the timekeeper does not sleep */
#define LAST 2
#define FOREVER 3

mtype = { OPEN, DRAINING, STOPPING, ENDING };
mtype = { WAITING, GRANTED, TIMED_OUT, CLOSED };

/* three lists of jobs, oldest first; those that wait to be let in stand for their submitters */
#define INBOX 0
#define QUEUE 1
#define WAITERS 2
byte list[3 * JOBS];
byte length[3];
#define inboxed length[INBOX]
#define queued length[QUEUE]
#define waiting length[WAITERS]
#define job_at(which, i) list[(which) * JOBS + (i)]
#define first(which) job_at(which, 0)

/* the inbox: `entered` and `shut` are one word, what is in it or the sentry's mark another */
byte entered = 0;
bool shut = false;
byte limit = QMAX + NW;
byte mark = NONE;

byte alarm = UP; /* until when the timekeeper sleeps */

/* under the lock */
bool locked = false;
mtype phase = OPEN;
bool closer_waits = false;
byte accepted = 0;
byte given_up = 0;  /* bits, as the next ones: jobs */
byte out = 0;       /* with a thread */
byte runs = 0;      /* and RUNNING */
byte decided = 0;
byte half_over = 0; /* told or finished, and not the other */
byte armed = 0;     /* has a timer */
byte watched = 0;
byte told_to_stop = 0;
bool away[NW];
byte idle = 0; /* bits: workers */
byte sentry = NONE;
mtype verdict[NS] = TIMED_OUT;
byte visitors = 0; /* bits: submitters */

bool permit[NW + NS + 2]; /* of the parkers */

byte deadline[JOBS]; /* constant after submission */

/* what only an onlooker knows */
byte now = 0;
byte heard[NS];      /* bits: what one who has entered may take for the alarm */
byte said = BIT(UP); /* bits: what one who enters now may */
byte let_in = 0;     /* bits: jobs */
byte line = 0;       /* bits: jobs in the inbox or the queue */
byte older[JOBS];    /* bits: jobs before it in the line */
byte seen = 0;       /* bits: submitters that wait, since a region that is over */
byte before[NS];     /* bits: was seen waiting when he came, and still is */
byte lain = 0;       /* bits: workers that have lain down and not come back */
byte stands = 0;     /* bits: that stand and have not come back */
byte over = 0;       /* bits: jobs */
byte entering = 0;   /* in a call that close does not know of yet */
bool being_closed = false, freed = false, keeper_ended = true;
byte workers_left = NW, submitters_left = NS;

#define job_of(who, round) ((who) * ROUNDS + (round))
#define submitter_of(job) ((job) / ROUNDS)
#define has(bits, which) (((bits) & BIT(which)) != 0)

/* -- sync -- */

#define enter() !locked; locked = true; assert(!freed)

#define must_be_shut (phase != OPEN || waiting > 0)
#ifdef BUG_GATE_OPEN
#define is_to_be_shut (phase != OPEN)
#else
#define is_to_be_shut must_be_shut
#endif

inline leave() {
    i = 0;
    j = 0;
    do
    :: i < NW -> j = j + (away[i] -> 0 : 1); i++
    :: else -> break
    od;
    assert(limit + queued == QMAX + j + accepted); /* ROOM */
    assert(waiting == 0 || entered >= limit);      /* QUEUE */
    assert(shut == must_be_shut);
    assert(phase == ENDING || idle == 0 || sentry != NONE); /* SENTRY */
    assert(phase == ENDING || ((lain & ~idle) | stands) == (sentry == NONE -> 0 : BIT(sentry)));
    assert(mark == NONE || (mark == sentry && queued == 0));
    seen = 0;
    i = 0;
    j = 0;
    do
    :: i < waiting -> seen = seen | BIT(submitter_of(job_at(WAITERS, i))); i++
    :: else -> break
    od;
    i = 0;
    locked = false
}

inline wake_worker(who) {
    assert(has(lain, who) && !permit[who]);
    assert(who == sentry || phase == ENDING);
    permit[who] = true
}

/* Each that was decided, or called, is given its one wake, one after the other. */
inline wake() {
    do
    :: woken != 0 ->
        d_step {
            i = 0;
            do
            :: !has(woken, i) -> i++
            :: else -> break
            od;
            woken = woken & ~BIT(i);
            if
            :: i < NW -> wake_worker(i)
            :: else -> assert(has(visitors, i - NW) && !permit[i]); permit[i] = true
            fi;
            i = 0
        }
    :: else -> break
    od
}

/* -- what the timekeeper says -- */

inline say(when) {
    alarm = when;
    said = said | BIT(when);
    i = 0;
    do
    :: i < NS -> heard[i] = (heard[i] != 0 -> heard[i] | BIT(when) : 0); i++
    :: else -> break
    od;
    i = 0
}

/* `entered` was changed under the lock: who enters after that knows what was said before. */
#define pass_on() said = BIT(alarm)

inline mind(job) {
    if
    :: !has(armed, job) && deadline[job] < alarm -> say(UP); permit[KEEPER] = true
    :: else
    fi
}

/* -- exec/queue.c -- */

/* One step, as the next one. */
inline append(which, job) {
    job_at(which, length[which]) = job;
    length[which]++
}

inline remove(which, job) {
    i = 0;
    j = 0;
    do
    :: i < length[which] ->
        if
        :: job_at(which, i) == job
        :: else -> job_at(which, j) = job_at(which, i); j++
        fi;
        i++
    :: else -> break
    od;
    assert(j + 1 == length[which]);
    length[which] = j;
    job_at(which, j) = 0;
    i = 0;
    j = 0
}

/* It is in the line no more. */
inline leave_line(job) {
    line = line & ~BIT(job);
    older[job] = 0;
    i = 0;
    do
    :: i < JOBS -> older[i] = older[i] & ~BIT(job); i++
    :: else -> break
    od;
    i = 0
}

inline decide_job(job) {
    assert(!has(decided, job)); /* ONCE */
    decided = decided | BIT(job);
    armed = armed & ~BIT(job)
}

inline give_up(job) {
    remove(QUEUE, job);
    leave_line(job);
#ifndef BUG_GIVEN_UP_ROOM
    limit++;
#endif
#ifndef BUG_GIVEN_UP_ASLEEP
    permit[KEEPER] = true;
#endif
    given_up = given_up | BIT(job);
    decide_job(job)
}

#ifdef BUG_STARTS_STOPPED
#define may_start true
#else
#define may_start (phase == OPEN || phase == DRAINING)
#endif

inline accept(job) {
    accepted++;
    append(QUEUE, job);
    if
    :: may_start -> mind(job)
    :: else -> give_up(job)
    fi
}

#ifdef BUG_NEWEST_FIRST
#define next_in_inbox job_at(INBOX, inboxed - 1)
#else
#define next_in_inbox first(INBOX)
#endif

/* One step. */
inline absorb() {
    do
    :: inboxed > 0 -> x = next_in_inbox; remove(INBOX, x); accept(x); x = 0
    :: else -> break
    od
}

/* By the lock's holder: to the end of the queue, which is before the inbox. */
inline accept_here(job) {
    i = 0;
    do
    :: i < queued -> older[job] = older[job] | BIT(job_at(QUEUE, i)); i++
    :: else -> break
    od;
    i = 0;
    line = line | BIT(job);
    accept(job)
}

#ifdef BUG_NO_VISITORS
#define nobody_inside true
#else
#define nobody_inside (visitors == 0)
#endif
#ifdef BUG_UNPUSHED
#define all_have_pushed true
#else
#define all_have_pushed (entered == accepted)
#endif

#define is_drained                                                                                 \
    (closer_waits && queued == 0 && given_up == 0 && out == 0 && nobody_inside && all_have_pushed)

#define tell_closer() permit[CLOSER] = permit[CLOSER] || is_drained

/* Nobody is behind him any more. */
inline decide_waiter(job, as) {
    assert(verdict[submitter_of(job)] == WAITING);
    remove(WAITERS, job);
    verdict[submitter_of(job)] = as;
    seen = seen & ~BIT(submitter_of(job));
    i = 0;
    do
    :: i < NS -> before[i] = before[i] & ~BIT(submitter_of(job)); i++
    :: else -> break
    od;
    i = 0
}

/* The first one's job fits. */
inline let_first_in() {
    y = first(WAITERS);
    decide_waiter(y, GRANTED);
    woken = woken | BIT(NW + submitter_of(y));
    come_in(submitter_of(y), y);
    accept_here(y);
    y = 0
}

/* TURN, and the bound. */
inline come_in(who, job) {
    assert(before[who] == 0);
    entered++;
    assert(entered <= limit);
    let_in = let_in | BIT(job)
}

#ifndef BUG_MARK_BLINDLY
#define was_empty (inboxed == 0)
#endif

/* One of those that sleep. */
inline appoint() {
    sentry = 0;
    do
    :: !has(idle, sentry) -> sentry++
    :: has(idle, sentry) -> break
    :: (idle >> (sentry + 1)) != 0 -> sentry++
    od;
    idle = idle & ~BIT(sentry);
    if
    :: queued > 0 || !was_empty -> woken = woken | BIT(sentry)
    :: else -> mark = sentry
    fi
}

#ifdef BUG_CALLED_TWICE
#define may_call (mark == sentry || queued > 0)
#else
#define may_call (mark == sentry)
#endif

/* `y` is used. */
inline settle_and_leave() {
    if
    :: waiting > 0 ->
        atomic { absorb() };
        do
        :: atomic { waiting > 0 && entered < limit -> let_first_in() }
        :: else -> break
        od
    :: else
    fi;
    if
    :: shut != is_to_be_shut -> atomic { shut = is_to_be_shut; pass_on() }
    :: else
    fi;
#ifdef BUG_MARK_BLINDLY
    was_empty = (inboxed == 0);
#endif
    atomic {
        if
        :: sentry != NONE && queued > 0 && may_call -> mark = NONE; woken = woken | BIT(sentry)
        :: sentry == NONE && idle != 0 -> appoint()
        :: else
        fi;
        leave()
    }
}

/* -- exec/submit.c -- */

/* The rule of lend_executor_close: no call may begin on an executor that may be closed meanwhile. */
inline begin_call() {
    atomic {
        !being_closed || freed;
        if
        :: freed -> goto out_of_it
        :: else -> entering++; before[me] = seen
        fi;
        deadline[job] = FOREVER;
#ifdef TIMED
        if
        :: deadline[job] = 1
        :: deadline[job] = LAST
        :: true
        fi
#endif
    }
}

#ifdef BUG_ENTER_PAST
#define may_enter (entered < limit)
#else
#define may_enter (!shut && entered < limit)
#endif

/* Who finds the gate shut or no room, or who thinks so, goes by way of the lock. */
inline enter_inbox() {
    if
#ifdef BUG_COUNT_APART
    :: may_enter -> atomic { come_in(me, job); heard[me] = said; entering--; has_entered = true }
#endif
    :: atomic { may_enter -> come_in(me, job); heard[me] = said; entering--;
           has_entered = true }
    :: true
    fi
}

/* Is the deadline before what he takes for the alarm? */
inline read_alarm() {
    if
#ifdef BUG_ALARM_UNREAD
    :: heard[me] = 0
#endif
    :: atomic { (heard[me] >> (deadline[job] + 1)) != 0 -> is_early = true; heard[me] = 0 }
    :: atomic { (heard[me] & (BIT(deadline[job] + 1) - 1)) != 0 -> heard[me] = 0 }
    fi
}

inline push() {
    atomic {
        assert(!freed);
        called = mark;
#ifndef BUG_MARK_STAYS
        mark = NONE;
#endif
        older[job] = line;
        line = line | BIT(job);
        append(INBOX, job)
    };
    if
    :: called != NONE ->
        d_step {
#ifndef BUG_CALLED_ASLEEP
            wake_worker(called);
#endif
            called = NONE
        }
    :: else
    fi
}

#define may_pass (waiting == 0)

inline arrive() {
    if
    :: phase != OPEN -> entering--
    :: phase == OPEN && may_pass && entered < limit ->
        come_in(me, job);
        accept_here(job);
        entering--
    :: else ->
        verdict[me] = WAITING;
        append(WAITERS, job);
        visitors = visitors | BIT(me);
        entering--
    fi
}

inline submit_locked() {
    atomic { enter(); absorb() };
    atomic {
        if
        :: has_entered -> accept_here(job)
        :: else -> arrive()
        fi
    };
    settle_and_leave();
    wake()
}

#ifdef TIMED
#define is_late (deadline[job] <= now)
#else
#define is_late !patient
#endif

/* Until there is room, or the job's deadline, or the executor closes. */
inline wait_for_room() {
    if
    :: patient = true
    :: patient = false
    fi;
    if
    :: atomic { permit[NW + me] -> permit[NW + me] = false }
    :: is_late ->
        atomic {
            enter();
            late = (verdict[me] != WAITING);
            if
            :: late
            :: else -> decide_waiter(job, TIMED_OUT)
            fi
        };
        settle_and_leave();
        wake();
        if
        :: late -> atomic { permit[NW + me] -> permit[NW + me] = false }
        :: else
        fi
    fi;
    patient = false;
    late = false
}

inline leave_submit() {
    atomic {
        enter();
        assert(verdict[me] != WAITING && !permit[NW + me]);
        verdict[me] = TIMED_OUT;
        visitors = visitors & ~BIT(me);
#ifndef BUG_QUIET_LEAVE
        tell_closer();
#endif
        leave()
    }
}

proctype submitter(byte me) {
    byte round = 0, job = 0, called = NONE, woken = 0, i = 0, j = 0, x = 0, y = 0;
    bool has_entered = false, is_early = false, patient = false, late = false;
#ifdef BUG_MARK_BLINDLY
    bool was_empty = false;
#endif
    do
    :: round < ROUNDS ->
        job = job_of(me, round);
        begin_call();
        enter_inbox();
#ifdef TIMED
        if
        :: has_entered -> read_alarm()
        :: else
        fi;
#endif
        if
        :: has_entered && !is_early -> push()
        :: else ->
            submit_locked();
            if
            :: has(visitors, me) -> wait_for_room(); leave_submit()
            :: else
            fi
        fi;
        d_step { has_entered = false; is_early = false; before[me] = 0; round++ }
    :: else -> break
    od;
out_of_it:
    submitters_left--
}

/* -- exec/worker.c -- */

/* He has let go of the job; somebody else may be telling its owner yet. */
inline end_half(job) {
    if
    :: has(half_over, job) -> end_all(job)
    :: else -> half_over = half_over | BIT(job)
    fi
}

inline end_all(job) {
    half_over = half_over & ~BIT(job);
    out = out & ~BIT(job);
    over = over | BIT(job);
    tell_closer()
}

inline answer() {
    if
    :: job == NONE
    :: job != NONE && has(decided, job) -> runs = runs & ~BIT(job); end_half(job)
    :: else -> runs = runs & ~BIT(job); decide_job(job); end_all(job)
    fi;
    job = NONE
}

inline begin_run() {
#ifndef BUG_RUN_UNMINDED
    mind(job);
#endif
    runs = runs | BIT(job)
}

inline take() {
    job = first(QUEUE);
    remove(QUEUE, job);
    assert(older[job] == 0); /* TURN */
    assert(phase == OPEN || phase == DRAINING);
    leave_line(job);
    away[me] = true;
    out = out | BIT(job);
    if
    :: begin_run()
#ifdef TIMED
    :: true
#endif
    fi
}

#ifdef BUG_TWO_SENTRIES
#define may_relieve true
#else
#define may_relieve (sentry == NONE || mark == sentry)
#endif

inline relieve_sentry() {
    mark = NONE;
    idle = idle | (sentry == NONE -> 0 : BIT(sentry));
    sentry = NONE
}

inline rest() {
    if
    :: may_relieve -> relieve_sentry()
    :: else
    fi;
    if
    :: may_stand && sentry == NONE -> sentry = me; stands = stands | BIT(me); may_stand = false
    :: idle = idle | BIT(me); lain = lain | BIT(me); may_stand = true
    fi
}

inline look() {
    atomic {
        enter();
        if
        :: queued == 0 -> absorb()
        :: else
        fi
    };
    atomic {
        answer();
        sentry = (sentry == me -> NONE : sentry);
        lain = lain & ~BIT(me);
        stands = stands & ~BIT(me);
#ifndef BUG_BACK_WITHOUT_ROOM
        limit = limit + (away[me] -> 1 : 0);
#endif
        away[me] = false;
        ends = (queued == 0 && phase == ENDING);
        if
        :: queued > 0 -> take(); may_stand = true
        :: else
        fi
    };
    if
    :: job == NONE && !ends -> atomic { rest() }
    :: else
    fi;
    settle_and_leave();
    wake()
}

/* Its model has come, unless it was called off before. */
inline begin_late() {
    atomic {
        enter();
        if
        :: has(decided, job) -> end_all(job); job = NONE
        :: else -> begin_run()
        fi;
        leave()
    }
}

/* It may take longer than it is allowed. */
inline work() {
    if
    :: true
    :: deadline[job] != FOREVER -> has(decided, job) || has(told_to_stop, job)
    fi
}

proctype worker(byte me) {
    byte job = NONE, woken = 0, i = 0, j = 0, x = 0, y = 0;
    bool ends = false, may_stand = true;
#ifdef BUG_MARK_BLINDLY
    bool was_empty = false;
#endif
again:
    look();
    if
    :: ends -> goto out_of_it
    :: has(stands, me) /* as long as it likes */
    :: has(lain, me) ->
end_asleep:
        atomic { permit[me] -> permit[me] = false }
    :: else ->
#ifdef TIMED
        if
        :: has(runs, job)
        :: else -> begin_late()
        fi;
        if
        :: job != NONE -> work()
        :: else
        fi
#endif
    fi;
    goto again;
out_of_it:
    workers_left--
}

/* -- exec/timekeeper.c -- */

inline watch(job) {
    watched = watched | BIT(job);
    armed = armed | (deadline[job] == FOREVER -> 0 : BIT(job))
}

inline watch_newcomers() {
    x = queued;
    do
    :: x > 0 && !has(watched, job_at(QUEUE, x - 1)) -> x--; watch(job_at(QUEUE, x))
    :: else -> break
    od;
    x = 0;
    do
    :: x < JOBS ->
        if
#ifndef BUG_RUNS_UNWATCHED
        :: has(runs & ~decided & ~armed, x) -> watch(x)
#endif
        :: else
        fi;
        x++
    :: else -> break
    od;
    x = 0
}

/* `task` is to be told at once, or NONE. */
inline expire() {
    do
    :: x < JOBS && task == NONE ->
        if
        :: !has(armed, x) || deadline[x] > now
        :: has(armed & line, x) && deadline[x] <= now -> give_up(x)
        :: has(armed & runs, x) && deadline[x] <= now -> decide_job(x); task = x
        :: else -> armed = armed & ~BIT(x)
        fi;
        x++
    :: else -> break
    od;
    x = 0
}

inline find_earliest() {
    until = FOREVER;
    do
    :: x < JOBS -> until = (has(armed, x) && deadline[x] < until -> deadline[x] : until); x++
    :: else -> break
    od;
    x = 0
}

inline take_given_up() {
    if
    :: task == NONE && given_up != 0 ->
        task = 0;
        do
        :: !has(given_up, task) -> task++
        :: else -> break
        od;
        given_up = given_up & ~BIT(task);
        out = out | BIT(task)
    :: else
    fi
}

inline pick() {
    atomic { enter(); say(UP) };
    atomic {
        absorb();
        watch_newcomers();
        expire();
        find_earliest();
        take_given_up();
        ends = (task == NONE && phase == ENDING)
    }
}

inline announce() {
#ifdef BUG_SAID_LATE
    atomic { pass_on(); again_soon = (entered != accepted) };
    atomic { say(until) };
    atomic { absorb() }
#else
    atomic { say(until) };
    atomic { absorb() };
    atomic {
#ifndef BUG_NOT_PASSED_ON
        pass_on();
#endif
#ifndef BUG_NO_SECOND_LOOK
        again_soon = (entered != accepted)
#endif
    }
#endif
}

inline tell() {
    atomic {
        enter();
        if
        :: has(runs, task) || has(half_over, task) -> end_half(task)
        :: else -> end_all(task)
        fi;
        task = NONE;
        leave()
    }
}

proctype timekeeper() {
    byte task = NONE, until = 0, woken = 0, i = 0, j = 0, x = 0, y = 0;
    bool ends = false, again_soon = false;
#ifdef BUG_MARK_BLINDLY
    bool was_empty = false;
#endif
again:
    pick();
    if
    :: task == NONE && !ends -> announce()
    :: else
    fi;
    settle_and_leave();
    wake();
    if
    :: ends -> goto out_of_it
    :: task != NONE -> tell()
    :: else ->
end_asleep:
        if
        :: atomic { permit[KEEPER] -> permit[KEEPER] = false }
        :: until <= now
        :: again_soon
        fi
    fi;
    d_step { again_soon = false; until = 0 };
    goto again;
out_of_it:
    keeper_ended = true
}

/* -- exec/close.c -- */

inline wait_until_drained() {
    awake = true;
    do
    :: true ->
        atomic { enter(); drained = is_drained; leave() };
        if
        :: drained || !awake -> break
        :: else
        fi;
        if
        :: atomic { permit[CLOSER] -> permit[CLOSER] = false }
        :: !patient -> awake = false
        fi
    od
}

inline stop_all() {
    atomic {
        enter();
        absorb();
        phase = STOPPING;
        do
        :: queued > 0 -> x = first(QUEUE); give_up(x); x = 0
        :: else -> break
        od;
        do
        :: x < JOBS ->
            if
            :: has(out & ~decided & ~runs, x) -> decide_job(x)
            :: has(out & ~decided & runs, x) -> told_to_stop = told_to_stop | BIT(x)
            :: else
            fi;
            x++
        :: else -> break
        od;
        x = 0
    };
    settle_and_leave();
    wake()
}

#ifdef BUG_SENTRY_ENDED
#define may_end_sentry true
#else
#define may_end_sentry (mark == sentry)
#endif

inline end_threads() {
    atomic {
        enter();
        phase = ENDING;
        woken = idle;
        if
        :: sentry != NONE && may_end_sentry -> mark = NONE; woken = woken | BIT(sentry)
        :: else
        fi;
        idle = 0;
        leave()
    };
    wake();
    permit[KEEPER] = true;
    atomic { workers_left == 0 && keeper_ended -> freed = true }
}

proctype closer() {
    byte woken = 0, i = 0, j = 0, x = 0, y = 0;
    bool patient = true, awake = false, drained = false;
#ifdef BUG_MARK_BLINDLY
    bool was_empty = false;
#endif
#ifdef TIMED
    if
    :: patient = false
    :: true
    fi;
#endif
    atomic { entering == 0 -> being_closed = true };
    atomic {
        enter();
        closer_waits = true;
        phase = DRAINING;
        do
        :: waiting > 0 ->
            x = first(WAITERS);
            decide_waiter(x, CLOSED);
            woken = woken | BIT(NW + submitter_of(x));
            x = 0
        :: else -> break
        od
    };
    settle_and_leave();
    wake();
    wait_until_drained();
    if
    :: !drained -> stop_all(); patient = true; wait_until_drained()
    :: else
    fi;
    end_threads()
}

/* TIMER: all is quiet, so nothing that could have been done is late. */
inline nothing_is_late() {
    assert(inboxed == 0 || lain == 0); /* a job in the inbox, and nobody asleep who might do it */
    k = 0;
    do
    :: k < JOBS -> assert(!has((line | runs) & ~decided, k) || deadline[k] > now); k++
    :: else -> break
    od;
    k = 0
}

init {
    byte k = 0;
    atomic {
        do
        :: k < NS -> run submitter(k); k++
        :: else -> break
        od;
        k = 0;
        do
        :: k < NW -> run worker(k); k++
        :: else -> break
        od;
        k = 0;
#ifdef TIMED
        keeper_ended = false;
        run timekeeper();
#endif
#ifdef WITH_CLOSER
        run closer()
#endif
    };
    do
    :: atomic {
        timeout;
        nothing_is_late();
        if
        :: now < LAST -> now++
        :: else -> break
        fi }
    od;
    atomic {
        assert(submitters_left == 0 && over == let_in);
#ifdef WITH_CLOSER
        assert(freed)
#endif
    }
}
