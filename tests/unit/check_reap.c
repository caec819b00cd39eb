/* SPDX-License-Identifier: MIT */
#include "daemon/supervisor_state.h"

#include <signal.h>

#include "process.h"
#include "suite.h"

/* A worker that a signal stops, and what the supervisor makes of it. */

enum { NUMBER = 3 };

static struct supervisor s;

static void on_signal(void *user, int signo)
{
    (void)user;
    (void)signo;
}

static void on_number(void *user, unsigned number)
{
    (void)user;
    (void)number;
}

static void make_crew(void)
{
    static const struct loop_handlers handlers = {on_signal, on_number, on_number};

    s = (struct supervisor){.arena.fd = -1};
    ck_assert_int_eq(arena_init(&s.arena), 0);
    ck_assert_int_eq(crew_init(&s.crew, &s.arena, &s.identity, 1024), 0);
    ck_assert_int_eq(loop_new(&handlers, &s, &s.loop), 0);
}

static void end_crew(void)
{
    loop_free(s.loop);
    crew_deinit(&s.crew);
    arena_deinit(&s.arena);
}

static int stop_here(void *unused)
{
    (void)unused;
    return raise(SIGSTOP);
}

static int stop_with_the_ledger(void *unused)
{
    atomic_store(&s.arena.ledger.state->at_work[SLOT_FIRST_WORKER + NUMBER], true);
    return stop_here(unused);
}

/* What happens next to a process, without taking it from who is to see it, too. */
static siginfo_t next_event(pid_t pid, int kinds)
{
    siginfo_t info;

    ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, kinds | WNOWAIT), 0);
    return info;
}

/* A worker runs until it has stopped, and the supervisor hears of that. */
static pid_t hear_of_stop(int (*body)(void *))
{
    pid_t pid = process_start(body, NULL);

    s.crew.member[NUMBER] = (struct member){
        .state = MEMBER_SERVING, .pid = pid, .channel = -1, .awaited = MEMBER_NOBODY};
    (void)next_event(pid, WSTOPPED | WEXITED);
    crew_reap(&s);
    return pid;
}

START_TEST(stopped_worker_may_go_on)
{
    pid_t pid = hear_of_stop(stop_here);

    ck_assert(s.crew.member[NUMBER].stopped);
    ck_assert(!s.crew.member[NUMBER].hung);
    ck_assert_int_eq(kill(pid, SIGCONT), 0);
    ck_assert_int_eq(next_event(pid, WEXITED).si_code, CLD_EXITED);
    crew_reap(&s);
    ck_assert_int_eq(s.crew.member[NUMBER].state, MEMBER_NONE);
}
END_TEST

/*
 * It holds the ledger, or is about to: all others will soon wait for it. Its end may be there
 * already when the supervisor has heard of the stop.
 */
START_TEST(stopped_worker_that_others_need_is_killed)
{
    pid_t pid = hear_of_stop(stop_with_the_ledger);

    if (s.crew.member[NUMBER].state != MEMBER_NONE) {
        ck_assert(s.crew.member[NUMBER].hung);
        (void)next_event(pid, WEXITED);
        crew_reap(&s);
    }
    ck_assert_int_eq(s.crew.member[NUMBER].state, MEMBER_NONE);
    ck_assert(!ledger_needs(&s.arena.ledger, SLOT_FIRST_WORKER + NUMBER)); /* nor its successor */
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("reap");

    tcase_add_checked_fixture(tcase, make_crew, end_crew);
    tcase_add_test(tcase, stopped_worker_may_go_on);
    tcase_add_test(tcase, stopped_worker_that_others_need_is_killed);
    return suite_run("reap", tcase);
}
