package demo;

public class Subject {
    long count;

    static String run() {
        return "new";
    }
}
