package demo;

public class Subject {
    volatile int count;

    static String run() {
        return "new";
    }
}
