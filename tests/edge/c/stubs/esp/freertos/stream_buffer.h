/* Stream buffers of FreeRTOS; there is one. */
#pragma once
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    size_t size, used;
    int awaited; /* whether a task waits for bytes */
    uint8_t bytes[1 << 16];
} stub_buffer_t, *StreamBufferHandle_t;

static stub_buffer_t stub_buffer;
static pthread_mutex_t stub_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t stub_changed = PTHREAD_COND_INITIALIZER;

static inline StreamBufferHandle_t xStreamBufferCreate(size_t size, size_t trigger) {
    (void)trigger;
    stub_buffer.size = size;
    return size <= sizeof stub_buffer.bytes ? &stub_buffer : NULL;
}

static inline size_t xStreamBufferSend(StreamBufferHandle_t buffer, const void *data, size_t size,
                                       uint32_t wait) {
    (void)wait;
    pthread_mutex_lock(&stub_lock);
    const size_t room = buffer->size - buffer->used, taken = size < room ? size : room;
    memcpy(buffer->bytes + buffer->used, data, taken);
    buffer->used += taken;
    pthread_cond_broadcast(&stub_changed);
    pthread_mutex_unlock(&stub_lock);
    return taken;
}

static inline size_t xStreamBufferReceive(StreamBufferHandle_t buffer, void *data, size_t size,
                                          uint32_t wait) {
    (void)wait;
    pthread_mutex_lock(&stub_lock);
    buffer->awaited = 1;
    pthread_cond_broadcast(&stub_changed);
    while (buffer->used == 0) {
        pthread_cond_wait(&stub_changed, &stub_lock);
    }
    buffer->awaited = 0;
    const size_t taken = size < buffer->used ? size : buffer->used;
    memcpy(data, buffer->bytes, taken);
    buffer->used -= taken;
    memmove(buffer->bytes, buffer->bytes + taken, buffer->used);
    pthread_mutex_unlock(&stub_lock);
    return taken;
}

/* Wait until all bytes were taken and more are wanted: sound comes no faster than it is used. */
static inline void stub_wait_for_room(void) {
    pthread_mutex_lock(&stub_lock);
    while (stub_buffer.used > 0 || !stub_buffer.awaited) {
        pthread_cond_wait(&stub_changed, &stub_lock);
    }
    pthread_mutex_unlock(&stub_lock);
}
