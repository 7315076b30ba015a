package demo;

public sealed interface Subject permits One, Two, Three {
    static String run() {
        return "new";
    }
}
