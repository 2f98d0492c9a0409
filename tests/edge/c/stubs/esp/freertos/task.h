/* Tasks of FreeRTOS, as threads. */
#pragma once
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    void (*run)(void *);
    void *context;
} stub_task_t;

static inline void *stub_run(void *task) {
    ((stub_task_t *)task)->run(((stub_task_t *)task)->context);
    return NULL;
}

static inline int xTaskCreate(void (*run)(void *), const char *name, uint32_t stack, void *context,
                              unsigned priority, void *handle) {
    static stub_task_t task;
    pthread_t thread;
    (void)name;
    (void)stack;
    (void)priority;
    (void)handle;
    task.run = run;
    task.context = context;
    return pthread_create(&thread, NULL, stub_run, &task) == 0;
}
