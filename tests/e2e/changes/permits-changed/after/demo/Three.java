package demo;

final class Three implements Subject {
}
