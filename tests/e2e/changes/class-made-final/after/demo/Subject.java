package demo;

public final class Subject {
    static String run() {
        return "new";
    }
}
