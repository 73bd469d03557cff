/* How the threads of a team meet and share tiles: C11 atomics, no library of threads.
 *
 * A step is microseconds to milliseconds long, so who waits spins first, then lets others run, then sleeps:
 * the longer it has waited, the longer at a time, because code in Python that takes seconds may run in
 * between.
 */
#ifndef FM_TEAM_H
#define FM_TEAM_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* for sched_getcpu and CPU sets */
#endif
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>

#define FM_CACHE_LINE 64

typedef struct {
  _Alignas(FM_CACHE_LINE) atomic_uint arrived;
  _Alignas(FM_CACHE_LINE) atomic_uint generation; /* what those who wait watch */
  _Alignas(FM_CACHE_LINE) atomic_uint n_threads;
  unsigned spins; /* 0 where there are more threads than CPUs, and spinning keeps others from arriving */
} fm_barrier;

/* How many tiles of one thread's share have been taken, by itself or by one that was done with its own. */
typedef struct {
  _Alignas(FM_CACHE_LINE) atomic_ptrdiff_t taken;
} fm_share;

#define FM_SPINS 2000                /* some 30 microseconds */
#define FM_YIELDS 2000               /* about a millisecond more */
#define FM_FIRST_NAP_NANOS 50000     /* then asleep, for this long at a time at first */
#define FM_NAP_GROWTH 32             /* each nap is longer by this part, and so is the whole wait at most */
#define FM_LONGEST_NAP_NANOS 2000000 /* 500 wakings a second take a thousandth of a CPU */

static inline void fm_barrier_init(fm_barrier *barrier, unsigned n_threads, int may_spin) {
  atomic_init(&barrier->arrived, 0);
  atomic_init(&barrier->generation, 0);
  atomic_init(&barrier->n_threads, n_threads);
  barrier->spins = may_spin ? FM_SPINS : 0;
}

/* Before the caller's first wait: fewer threads than thought, of which others may be waiting already. */
static inline void fm_barrier_resize(fm_barrier *barrier, unsigned n_threads) {
  atomic_store_explicit(&barrier->n_threads, n_threads, memory_order_relaxed);
}

/* The CPU that the caller runs on, or -1 where that cannot be known. */
static inline int fm_current_cpu(void) {
#ifdef __linux__
  return sched_getcpu();
#else
  return -1;
#endif
}

/* Go to another CPU than `cpu`, if there is one. A new thread starts on its parent's, and until the system
 * moves it, which takes longer than a small epoch, the two would take turns. */
static inline void fm_leave_cpu(int cpu) {
#ifdef __linux__
  cpu_set_t allowed, others;
  if (cpu < 0 || sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return;
  others = allowed;
  CPU_CLR(cpu, &others);
  if (CPU_COUNT(&others) == 0 || sched_setaffinity(0, sizeof(others), &others) != 0) return;
  sched_setaffinity(0, sizeof(allowed), &allowed);
#else
  (void)cpu;
#endif
}

/* Seconds of a clock that never goes back. */
static inline double fm_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static inline void fm_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

/* Returns once all threads have called it; what they wrote before is seen after. */
static inline void fm_barrier_wait(fm_barrier *barrier) {
  const unsigned generation = atomic_load_explicit(&barrier->generation, memory_order_relaxed);
  const unsigned arrived = atomic_fetch_add_explicit(&barrier->arrived, 1, memory_order_acq_rel) + 1;
  if (arrived == atomic_load_explicit(&barrier->n_threads, memory_order_relaxed)) {
    atomic_store_explicit(&barrier->arrived, 0, memory_order_relaxed);
    atomic_store_explicit(&barrier->generation, generation + 1, memory_order_release);
    return;
  }
  long nap = FM_FIRST_NAP_NANOS;
  for (unsigned waits = 0; atomic_load_explicit(&barrier->generation, memory_order_acquire) == generation;
       waits++) {
    if (waits < barrier->spins) {
      fm_pause();
    } else if (waits < barrier->spins + FM_YIELDS) {
      sched_yield();
    } else {
      const struct timespec duration = {.tv_nsec = nap};
      nanosleep(&duration, NULL);
      if (nap < FM_LONGEST_NAP_NANOS) nap += nap / FM_NAP_GROWTH;
    }
  }
}

/* The next tile for a thread, or -1: those whose number is the thread's, modulo the number of threads, then
 * what others have left. `tried` is how many shares it has found empty, 0 at first. */
static inline ptrdiff_t fm_take_tile(fm_share *shares, int n_threads, int thread, int *tried,
                                     ptrdiff_t n_tiles) {
  for (; *tried < n_threads; ++*tried) {
    const int owner = (thread + *tried) % n_threads;
    const ptrdiff_t taken = atomic_fetch_add_explicit(&shares[owner].taken, 1, memory_order_relaxed);
    const ptrdiff_t tile = taken * n_threads + owner;
    if (tile < n_tiles) return tile;
  }
  return -1;
}

static inline void fm_share_reset(fm_share *share) {
  atomic_store_explicit(&share->taken, 0, memory_order_relaxed);
}

#endif
