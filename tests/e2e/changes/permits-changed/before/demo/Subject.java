package demo;

public sealed interface Subject permits One, Two {
    static String run() {
        return "old";
    }
}
